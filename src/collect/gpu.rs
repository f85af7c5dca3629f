//! Graphics processors: NVIDIA through NVML, AMD and Intel through the files of their kernel drivers, side by side.

mod drm;
mod fdinfo;
mod nvidia;

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        event::{Fault, Sample},
        gpu::GpuSample,
    },
    sys::root::Root,
};

/// Opens the source.
///
/// # Errors
/// [`Fault::Absent`] without a driver of any maker.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    // NVML asks this machine's kernel: of a recording only files tell.
    let nvidia = cx.root.is_this_machine().then(nvidia::Nvidia::open).flatten();
    if nvidia.is_none() && !drm::any(&cx.root) {
        return Err(Fault::Absent("no GPU: neither NVIDIA's library nor a card of AMD or Intel".to_owned()));
    }
    Ok(Box::new(Gpus { root: cx.root.clone(), nvidia, drm: drm::Drm::default() }))
}

struct Gpus {
    root: Root,
    nvidia: Option<nvidia::Nvidia>,
    drm: drm::Drm,
}

impl Collector for Gpus {
    fn collect(&mut self, _cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let mut sample = GpuSample::default();
        if let Some(nvidia) = &mut self.nvidia {
            let (driver, gpus) = nvidia.read(&self.root);
            sample.drivers.push(driver);
            sample.gpus = gpus;
        }
        let others = self.drm.read(&self.root, sample.gpus.len());
        sample.gpus.extend(others);
        Ok(Sample::Gpus(sample))
    }
}
