//! The user of an image, and what this user can write to.

use super::tar::Owner;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// The home in `/etc/passwd`, if the user has one there.
    pub(super) home: Option<String>,
    /// The number of [`DOWNLOADER`], if the image has this user.
    downloader: Option<u64>,
}

/// The name of the user as which Debian downloads packages.
const DOWNLOADER: &str = "_apt";

/// The first number of users that packages create. Those below belong to the distribution.
///
/// Source: <https://www.debian.org/doc/debian-policy/ch-opersys.html#uid-and-gid-classes>
const FIRST_DYNAMIC_UID: u64 = 100;

impl User {
    /// Returns the user that the field `User` of an image names: a name or a number, and a group after a colon. Nothing if
    /// `/etc/passwd` does not contain the name.
    pub(super) fn of_image(field: &str, passwd: &[u8]) -> Option<Self> {
        let (name, group) = field.split_once(':').map_or((field, None), |(name, group)| (name, Some(group)));
        let name = if name.is_empty() { "0" } else { name };
        let uid = name.parse().ok();
        let entry = entries(passwd).find(|entry| entry.name == name || Some(entry.uid) == uid);
        let gid = group.and_then(|group| group.parse().ok());
        let gid = gid.or(entry.map(|entry| entry.gid)).unwrap_or_default();
        let home = entry.map(|entry| entry.home.to_owned());
        let downloader = entries(passwd).find(|entry| entry.name == DOWNLOADER).map(|entry| entry.uid);
        Some(Self { uid: uid.or(entry.map(|entry| entry.uid))?, gid, home, downloader })
    }

    pub(super) fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Returns why this user can write to a directory that not everyone can write to. What root can write to only because it is
    /// root does not count, except for directories of other users: programs that start as root become such a user.
    fn own_access_to(&self, owner: Owner) -> Option<String> {
        let Owner { uid, gid, mode } = owner;
        let (owner_writes, group_writes) = (mode & 0o200 != 0, mode & 0o020 != 0);
        let is_owner = if self.is_root() {
            uid >= FIRST_DYNAMIC_UID && Some(uid) != self.downloader
        } else {
            uid == self.uid
        };
        if is_owner && owner_writes {
            Some(format!("owned by user {uid}"))
        } else if !self.is_root() && gid == self.gid && group_writes {
            Some(format!("writable by group {gid}"))
        } else {
            None
        }
    }
}

/// Returns why a user can write to a directory. If the user is not known, only what everyone can write to counts.
pub(super) fn access(user: Option<&User>, owner: Owner) -> Option<String> {
    if owner.mode & 0o002 != 0 {
        return Some("writable by all users".to_owned());
    }
    user?.own_access_to(owner)
}

/// A line of `/etc/passwd`.
#[derive(Clone, Copy)]
struct Entry<'p> {
    name: &'p str,
    uid: u64,
    gid: u64,
    home: &'p str,
}

fn entries(passwd: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    passwd.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = str::from_utf8(line).ok()?.trim_end().split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Entry { name, uid, gid, home: fields.nth(1)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] =
        b"root:x:0:0:root:/root:/bin/sh\nbroken\n_apt:x:100:65534::/nonexistent:/bin/false\n\
        nginx:x:101:102:nginx,,,:/var/cache/nginx:/bin/false\n";

    #[track_caller]
    fn is_user(field: &str, uid: u64, gid: u64, home: Option<&str>) {
        let expected = User { uid, gid, home: home.map(str::to_owned), downloader: Some(100) };
        assert_eq!(User::of_image(field, PASSWD), Some(expected), "{field}");
    }

    #[test]
    fn users_have_names_or_numbers() {
        is_user("", 0, 0, Some("/root"));
        is_user("root", 0, 0, Some("/root"));
        is_user("nginx", 101, 102, Some("/var/cache/nginx"));
        is_user("101", 101, 102, Some("/var/cache/nginx"));
        is_user("101:0", 101, 0, Some("/var/cache/nginx"));
        is_user("1001", 1001, 0, None);
        assert_eq!(User::of_image("app", PASSWD), None);
    }

    fn access(user: &str, uid: u64, gid: u64, mode: u32) -> Option<String> {
        super::access(User::of_image(user, PASSWD).as_ref(), Owner { uid, gid, mode })
    }

    #[test]
    fn permissions_decide_who_writes() {
        let is = |user, uid, gid, mode, expected: &str| {
            assert_eq!(
                access(user, uid, gid, mode).as_deref(),
                Some(expected).filter(|text| !text.is_empty())
            );
        };
        is("101", 101, 0, 0o755, "owned by user 101");
        is("101", 101, 0, 0o555, "");
        is("101", 0, 0, 0o1777, "writable by all users");
        is("1001", 0, 0, 0o775, "writable by group 0");
        is("101", 0, 0, 0o775, "");
        is("101", 0, 0, 0o755, "");
        is("unknown", 0, 0, 0o777, "writable by all users");
        is("unknown", 101, 0, 0o755, "");
    }

    #[test]
    fn root_uses_the_directories_of_other_users() {
        assert_eq!(access("", 0, 0, 0o775), None);
        assert_eq!(access("", 101, 0, 0o755).as_deref(), Some("owned by user 101"));
        assert_eq!(access("", 100, 0, 0o700), None);
        assert_eq!(access("", 42, 0, 0o700), None);
        assert_eq!(access("", 0, 0, 0o1777).as_deref(), Some("writable by all users"));
    }
}
