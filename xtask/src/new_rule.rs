//! `cargo xtask new-rule NAME`: the stubs of a rule, of its cases and of its reference implementation.

use std::fs;

use crate::{Result, in_repository};

/// The files that a new rule has of its own, each with its template.
const FILES: [(&str, &str); 3] = [
    ("src/rules/@module@.rs", include_str!("../templates/rule.rs.txt")),
    ("tests/cases/@module@.yaml", include_str!("../templates/cases.yaml")),
    ("tests/engine/reference/@module@.rs", include_str!("../templates/reference.rs.txt")),
];

/// The lists that name every rule: the file, the text before which the new entry goes, and the entry.
const LISTS: [(&str, &str, &str); 8] = [
    ("src/rules/mod.rs", "\nuse crate::settings::declaration", "pub(crate) mod @module@;\n"),
    ("src/rules/mod.rs", "];\n\n#[cfg(test)]\npub(crate) mod testing", "    @module@: @type@,\n"),
    ("src/rules/controls.rs", "        }\n    }\n}\n", "            Self::@type@ => NONE,\n"),
    ("tests/engine/reference/mod.rs", "\nuse serde_json::Value;", "mod @module@;\n"),
    ("tests/engine/reference/mod.rs", "];\n\n/// A field that violates a rule.", "    @module@::RULE,\n"),
    ("examples/policies/strict.yaml", "", "    @id@: deny\n"),
    ("tests/cases/examples/denied.yaml", "", DENIED),
    ("tests/cases/examples/admitted.yaml", "", ADMITTED),
];

/// The examples on the page of the rule.
const DENIED: &str = "
- name: @dashes@
  why: TODO why the object is denied.
  settings: {@id@: deny}
  patch: {}
  deny:
  - TODO
";
const ADMITTED: &str = "
- name: @dashes@
  why: TODO why the object is admitted.
  settings: {@id@: deny}
  admit: true
";

/// Writes the stubs of a rule.
///
/// # Errors
/// If the name is not in camel case, if there is such a rule, or if a file cannot be read or written.
pub(crate) fn run(id: &str) -> Result<()> {
    let rule = Name::parse(id)?;
    for (file, template) in FILES {
        let path = in_repository(&rule.fill(file));
        if path.exists() {
            return Err(format!("{}: exists already", rule.fill(file)).into());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, rule.fill(template)).map_err(|error| format!("{}: {error}", rule.fill(file)))?;
        println!("wrote {}", rule.fill(file));
    }
    for (file, before, entry) in LISTS {
        insert(file, before, &rule.fill(entry))?;
        println!("changed {file}");
    }
    println!(
        "\nNow write the documentation and the check, the cases and the reference implementation (docs/contributing/add-a-rule.md), \
         and run:\n\n  cargo xtask generate\n  make fmt test"
    );
    Ok(())
}

/// Inserts an entry before a text, or at the end of the file if the text is empty.
fn insert(file: &str, before: &str, entry: &str) -> Result<()> {
    let path = in_repository(file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    let place = if before.is_empty() { Some(text.len()) } else { text.find(before) };
    let place =
        place.ok_or_else(|| format!("{file}: no place for the new entry, which is before {before:?}"))?;
    let (head, tail) = text.split_at(place);
    fs::write(&path, [head, entry, tail].concat()).map_err(|error| format!("{file}: {error}"))?;
    Ok(())
}

/// The name of a rule in its forms.
struct Name {
    /// In settings and messages: `hostPorts`.
    id: String,
    /// Of files and functions: `host_ports`.
    module: String,
    /// Of the type: `HostPorts`.
    r#type: String,
}

impl Name {
    fn parse(id: &str) -> Result<Self> {
        let is_camel_case = id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_camel_case {
            return Err(format!("expected a name in camel case, such as hostPorts, got {id:?}").into());
        }
        let mut module = String::new();
        for character in id.chars() {
            if character.is_ascii_uppercase() {
                module.push('_');
            }
            module.push(character.to_ascii_lowercase());
        }
        let (first, rest) = id.split_at(1);
        Ok(Self { id: id.to_owned(), module, r#type: first.to_ascii_uppercase() + rest })
    }

    /// A template with the name in its places.
    fn fill(&self, template: &str) -> String {
        template
            .replace("@id@", &self.id)
            .replace("@module@", &self.module)
            .replace("@type@", &self.r#type)
            .replace("@dashes@", &self.module.replace('_', "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_four_forms() {
        let name = Name::parse("hostPorts").unwrap();
        assert_eq!(name.fill("@id@ @module@ @type@ @dashes@"), "hostPorts host_ports HostPorts host-ports");
    }

    #[test]
    fn a_name_is_in_camel_case() {
        for id in ["HostPorts", "host-ports", "host_ports", ""] {
            assert!(Name::parse(id).is_err(), "{id}");
        }
    }

    #[test]
    fn every_list_has_a_place_for_a_new_rule() {
        for (file, before, _) in LISTS {
            let text = fs::read_to_string(in_repository(file)).unwrap();
            assert!(text.contains(before), "{file}: {before:?}");
        }
    }
}
