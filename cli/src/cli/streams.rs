//! The output streams of the program.

use std::fmt::Display;
use std::io::{self, Stderr, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};
use immutable_pods::printable::one_line;

const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const WARNING: Style = AnsiColor::Yellow.on_default();

/// A pipe whose reader may exit early, like `head`. The exit code still shows the verdict.
pub(super) struct UntilClosed<W>(pub(super) W);

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        ignore_closed(self.0.write(text), text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        ignore_closed(self.0.flush(), ())
    }
}

fn ignore_closed<T>(result: io::Result<T>, done: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(done),
        other => other,
    }
}

/// Prints a text on stdout, without colors unless stdout is a terminal. Returns the exit code of the program.
pub(super) fn print(text: &str) -> ExitCode {
    let mut stdout = UntilClosed(AutoStream::new(io::stdout(), ColorChoice::Auto));
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Errors::new(ColorChoice::Auto).print(&format!("stdout: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Prints errors and warnings.
pub(super) struct Errors(AutoStream<Stderr>);

impl Errors {
    pub(super) fn new(color: ColorChoice) -> Self {
        Self(AutoStream::new(io::stderr(), color))
    }

    pub(super) fn print(&mut self, error: &impl Display) {
        self.print_as(ERROR, "error:", error);
    }

    pub(super) fn print_all(&mut self, errors: &[String]) {
        for error in errors {
            self.print(error);
        }
    }

    pub(super) fn warn_all(&mut self, warnings: &[String]) {
        for warning in warnings {
            self.warn(warning);
        }
    }

    pub(super) fn warn(&mut self, warning: &impl Display) {
        self.print_as(WARNING, "warning:", warning);
    }

    fn print_as(&mut self, style: Style, label: &str, sentence: &impl Display) {
        let sentence = one_line(&sentence.to_string());
        // A closed stderr leaves no place for the error.
        let _ = writeln!(self.0, "{style}{label}{style:#} {sentence}");
    }
}
