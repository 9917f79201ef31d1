//! Shows on a terminal that a long command still works.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time after which progress is shown.
const DELAY: Duration = Duration::from_secs(1);

/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(200);

/// The line that counts objects on stderr.
pub(super) struct Progress {
    objects: usize,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Starts to count, if stderr is a terminal.
    pub(super) fn new() -> Option<Self> {
        io::stderr().is_terminal().then(|| Self { objects: 0, next: Instant::now() + DELAY, is_shown: false })
    }

    /// Counts an object.
    pub(super) fn step(&mut self) {
        self.objects += 1;
        let now = Instant::now();
        if now >= self.next {
            self.next = now + INTERVAL;
            self.is_shown = true;
            write_line(&format!("{} objects", self.objects));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            write_line("");
        }
    }
}

/// Replaces the line.
fn write_line(text: &str) {
    // A closed stderr leaves no place for progress.
    let _ = write!(io::stderr(), "\r\x1b[K{text}");
}
