//! Temperatures, power, energy and fans of an AMD or Intel card ("hwmon sysfs interface": m°C, µW, µJ, RPM). Drivers make
//! files for sensors that a card does not have; those read 0, and which of several is meant is seen by what they read.

use crate::{model::gpu::Gpu, sys::root::Root};

/// Fans that a card may have.
const FANS: std::ops::RangeInclusive<u8> = 1..=4;

/// Reads the folder's figures into `gpu`.
pub(super) fn sense(root: &Root, folder: &str, gpu: &mut Gpu) {
    let number = |file: &str| root.line(format!("{folder}/{file}"))?.parse::<u64>().ok();
    // No sensor on a card that runs is at exactly 0 °C, takes 0 W, or has used no energy.
    let figure = |file: &str| number(file).filter(|value| *value > 0);
    for n in 1..=3 {
        let Some(celsius) = figure(&format!("temp{n}_input")).map(|m| m as f64 / 1000.0) else { continue };
        let label = root.line(format!("{folder}/temp{n}_label")).unwrap_or_default();
        let limit = |what: &str| figure(&format!("temp{n}_{what}")).map(|m| m as f64 / 1000.0);
        match label.as_str() {
            "mem" | "vram" => gpu.memory_temperature = Some(celsius),
            "junction" => gpu.hotspot = Some(celsius),
            _ => {
                gpu.temperature = Some(celsius);
                gpu.slowdown_temperature = limit("crit");
                gpu.shutdown_temperature = limit("emergency");
            }
        }
    }
    let watts = |file: &str| figure(file).map(|microwatts| microwatts as f64 / 1e6);
    gpu.power = watts("power1_average").or_else(|| watts("power1_input"));
    gpu.power_limit = watts("power1_cap").or_else(|| watts("power1_max"));
    gpu.power_default = watts("power1_cap_default").or_else(|| watts("power1_rated_max"));
    gpu.power_max = watts("power1_cap_max");
    // The whole card's first; some cards count that of the chip alone.
    gpu.energy_uj = figure("energy1_input").or_else(|| figure("energy2_input")).or(gpu.energy_uj);
    // A fan that stands still is a figure, unless another one turns: then it may not exist.
    let turns = |n: u8| Some((n, number(&format!("fan{n}_input"))?));
    let fastest = FANS.filter_map(turns).reduce(|a, b| if b.1 > a.1 { b } else { a });
    gpu.fan_rpm = fastest.and_then(|(_, turns)| u32::try_from(turns).ok());
    let share = |(n, now): (u8, u64)| Some(now as f64 / figure(&format!("fan{n}_max"))? as f64);
    gpu.fan = fastest.and_then(share).or_else(|| number("pwm1").map(|duty| duty.min(255) as f64 / 255.0));
}

#[cfg(test)]
mod tests {
    use super::{super::testing::machine, *};

    fn sensed(files: &[(&str, &str)]) -> Gpu {
        let files: Vec<(String, &str)> = files.iter().map(|(name, text)| (format!("h/{name}"), *text)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let (_folder, root) = machine(&files);
        let mut gpu = Gpu::default();
        sense(&root, "h", &mut gpu);
        gpu
    }

    #[test]
    fn the_counter_that_counts_and_the_fan_that_turns_are_taken() {
        let gpu = sensed(&[
            ("energy1_input", "0\n"),
            ("energy1_label", "card\n"),
            ("energy2_input", "7000000\n"),
            ("energy2_label", "pkg\n"),
            ("fan1_input", "0\n"),
            ("fan2_input", "640\n"),
            ("fan2_max", "3200\n"),
            ("fan3_input", "0\n"),
        ]);
        assert_eq!((gpu.energy_uj, gpu.fan_rpm, gpu.fan), (Some(7_000_000), Some(640), Some(0.2)));
        let gpu = sensed(&[("energy1_input", "9000000\n"), ("energy2_input", "7000000\n"), ("fan1_input", "900\n")]);
        assert_eq!((gpu.energy_uj, gpu.fan_rpm), (Some(9_000_000), Some(900)), "the whole card's");
    }

    #[test]
    fn a_sensor_that_is_not_there_reads_0_and_has_no_figure() {
        let gpu = sensed(&[
            ("temp1_input", "0\n"),
            ("temp1_label", "edge\n"),
            ("temp2_input", "0\n"),
            ("temp2_label", "junction\n"),
            ("power1_average", "0\n"),
            ("power1_cap", "0\n"),
            ("energy1_input", "0\n"),
        ]);
        assert_eq!((gpu.temperature, gpu.hotspot, gpu.power), (None, None, None));
        assert_eq!((gpu.power_limit, gpu.energy_uj, gpu.fan_rpm, gpu.fan), (None, None, None, None));
        assert_eq!(sensed(&[("fan1_input", "0\n")]).fan_rpm, Some(0), "it stops while the card is cool");
    }

    #[test]
    fn a_fan_without_a_speed_has_its_duty() {
        let fan = |duty: &'static str| sensed(&[("pwm1", duty)]).fan;
        assert_eq!([fan("0"), fan("51"), fan("255"), fan("300")], [Some(0.0), Some(0.2), Some(1.0), Some(1.0)]);
        assert_eq!(
            sensed(&[("fan1_input", "900"), ("pwm1", "51")]).fan,
            Some(0.2),
            "how fast it can turn is not known"
        );
    }
}
