//! The form of a JSON document, derived from its types: what the files `assets/*.schema.json` hold. A test of each document
//! writes its file, and holds it against the types, so that neither can change without the other.

use std::{fs, path::Path};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

/// Endings of the names of figures that are never below zero.
const NOT_NEGATIVE: [&str; 6] = ["_ratio", "_seconds", "_per_second", "_cores", "_watts", "_joules"];

/// The form of `T`, with its title and what it is about; `constraints` are what the types do not say, by the way through
/// the properties.
pub fn derived<T: JsonSchema>(title: &str, about: &str, constraints: Vec<(&'static str, Value)>) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    strict(&mut schema);
    let more = [("", json!({"title": title, "description": about}))];
    for (path, more) in more.into_iter().chain(constraints) {
        let words = path.split('/').filter(|word| !word.is_empty());
        let place = words.fold(&mut schema, |at, word| {
            let object = if at.get("items").is_some() { &mut at["items"] } else { at };
            object["properties"].get_mut(word).unwrap_or_else(|| panic!("no property {path}"))
        });
        let (Value::Object(place), Value::Object(more)) = (place, more) else { panic!("{path} is no schema") };
        place.extend(more);
    }
    schema
}

/// An absent figure is left out, so nothing is ever null; and nothing is there that the form does not name.
fn strict(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(strict),
        Value::Object(map) => {
            map.remove("format");
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [name] = &types[..] {
                    let name = name.clone();
                    map.insert("type".to_owned(), name);
                }
            }
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|one| one["type"] != "null");
                if let [Value::Object(one)] = &any[..] {
                    let one = one.clone();
                    map.remove("anyOf");
                    map.extend(one);
                }
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for (name, property) in properties {
                    let number = property["type"] == "number" || property["type"][0] == "number";
                    if number && NOT_NEGATIVE.iter().any(|ending| name.ends_with(ending)) {
                        property["minimum"] = 0.into();
                    }
                }
                map.insert("additionalProperties".to_owned(), false.into());
            }
            map.values_mut().for_each(strict);
        }
        _ => {}
    }
}

/// Holds the file of `assets/` against the form; writes it where `INSTA_UPDATE=always` asks for that.
pub fn check(name: &str, schema: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
    let text = format!("{schema:#}\n");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&file, &text).expect("written");
    }
    let file = fs::read_to_string(&file).expect("the file");
    assert!(file == text, "the form has changed: INSTA_UPDATE=always cargo test --lib schema_file writes it");
}
