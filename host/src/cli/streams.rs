//! stdout and stderr, as a command line has them.

use std::fmt::Display;
use std::io::{self, Stderr, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};
use immutable_pods_host::printable::one_line;

const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const WARNING: Style = AnsiColor::Yellow.on_default();

/// A pipe whose reader may leave early, as `head` does: the verdict is still worked out.
pub(super) struct UntilClosed<W>(pub(super) W);

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        forgive_closed(self.0.write(text), text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        forgive_closed(self.0.flush(), ())
    }
}

fn forgive_closed<T>(result: io::Result<T>, done: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(done),
        other => other,
    }
}

/// Where it is told what went wrong.
pub(super) struct Errors(AutoStream<Stderr>);

impl Errors {
    pub(super) fn new(color: ColorChoice) -> Self {
        Self(AutoStream::new(io::stderr(), color))
    }

    pub(super) fn tell(&mut self, error: &impl Display) {
        self.say(ERROR, "error:", error);
    }

    pub(super) fn warn(&mut self, warning: &impl Display) {
        self.say(WARNING, "warning:", warning);
    }

    fn say(&mut self, style: Style, label: &str, sentence: &impl Display) {
        let sentence = one_line(&sentence.to_string());
        // Nobody is left to tell when stderr is closed.
        let _ = writeln!(self.0, "{style}{label}{style:#} {sentence}");
    }
}
