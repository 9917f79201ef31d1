//! Settings in the order of their declarations, as documents show them.

use immutable_pods_policy::settings::declaration::{Accepts, Declaration};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

/// A value of a setting, whose keys are serialized in the order of their declarations.
pub(super) struct Ordered<'v> {
    value: &'v Value,
    accepts: Option<&'v Accepts>,
}

/// All settings, in order.
pub(super) struct OrderedSettings<'v> {
    pub(super) settings: &'v Map<String, Value>,
    pub(super) declarations: &'v [Declaration],
}

impl Serialize for OrderedSettings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = |key: &str| self.declarations.iter().position(|declaration| declaration.key == key);
        let mut entries: Vec<_> = self.settings.iter().map(|(key, value)| (place(key), key, value)).collect();
        entries.sort_by_key(|(place, ..)| place.unwrap_or(usize::MAX));
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for (place, key, value) in entries {
            let accepts = place.and_then(|place| self.declarations.get(place)).map(|found| &found.accepts);
            map.serialize_entry(key, &Ordered { value, accepts })?;
        }
        map.end()
    }
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.accepts) {
            (Value::Object(settings), Some(Accepts::Object(object) | Accepts::Shorthand(_, object))) => {
                OrderedSettings { settings, declarations: &object.settings }.serialize(serializer)
            }
            (Value::Array(items), Some(Accepts::List { item, .. })) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Ordered { value, accepts: Some(item) })?;
                }
                list.end()
            }
            (value, _) => value.serialize(serializer),
        }
    }
}
