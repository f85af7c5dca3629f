//! What is written about the invented server of the README's pictures: the page, the document, what the doctor says.

use benchtop::{
    model::source::SourceId,
    sink::{doctor, json, text},
};
use serde_json::Value;

use super::views::SERVER;

fn accept(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("accepted");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_page_is_as_accepted() {
    let mut out = Vec::new();
    text::write(&SERVER, false, usize::MAX, &mut out).unwrap();
    accept("page", &String::from_utf8(out).unwrap());
}

/// Figures as exact as they are on every machine: sines differ in their last digits.
fn rounded(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(rounded),
        Value::Object(all) => all.values_mut().for_each(rounded),
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().unwrap();
            *value = format!("{exact:.5e}").parse::<f64>().unwrap().into();
        }
        _ => {}
    }
}

/// The document with a line for each metric, alert, container, card and so on, and for the first of its processes.
#[test]
fn the_document_is_as_accepted() {
    let mut out = Vec::new();
    json::write(&SERVER, &mut out).unwrap();
    let mut document: Value = serde_json::from_slice(&out).unwrap();
    document["benchtop"].take();
    document["processes"].as_array_mut().unwrap().truncate(5);
    rounded(&mut document);
    let mut lines = Vec::new();
    for (part, value) in document.as_object().unwrap() {
        match value {
            Value::Array(all) => lines.extend(all.iter().map(|one| format!("{part} {one}"))),
            other => lines.push(format!("{part} {other}")),
        }
    }
    accept("document", &lines.join("\n"));
}

#[test]
fn the_doctor_is_as_accepted() {
    let checks = doctor::checks(&SERVER, &|_: SourceId| Some("a file"), Vec::new());
    let paint = |_, text: &str| text.to_owned();
    let mut out = Vec::new();
    doctor::write_text(&checks, &doctor::Style { ascii: false, columns: 160, paint: &paint }, &mut out).unwrap();
    accept("doctor", &String::from_utf8(out).unwrap());
}
