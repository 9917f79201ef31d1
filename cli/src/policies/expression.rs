//! The expressions of policy groups: calls of members with `&&`, `||`, `!`, `==`, `!=`, parentheses, `true` and `false`.
//!
//! The controller checks an expression as CEL, and the policy server evaluates it as Rhai. Both bind `!` closest, then `==` and
//! `!=`, then `&&`, then `||`. A chain such as `a() == b() == c()` needs parentheses.

use std::collections::BTreeSet;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `true` or `false`
    Constant(bool),
    /// The verdict of a member: `name()`
    Member(String),
    /// `!a`
    Not(Box<Expression>),
    /// `a && b`
    And(Box<Expression>, Box<Expression>),
    /// `a || b`
    Or(Box<Expression>, Box<Expression>),
    /// `a == b`
    Equal(Box<Expression>, Box<Expression>),
}

/// Maximum nesting of parentheses and negations. The parser recurses.
const MAX_DEPTH: usize = 64;

impl Expression {
    /// Parses an expression over members.
    ///
    /// # Errors
    ///
    /// If the expression is not understood, or calls something that is not a member. Contains the reason.
    pub fn parse(text: &str, members: &BTreeSet<&str>) -> Result<Self, String> {
        let mut parser = Parser { rest: text, members, depth: 0 };
        let expression = parser.or()?;
        match parser.rest.trim_start() {
            "" => Ok(expression),
            rest => Err(format!("expected an operator at `{rest}`")),
        }
    }

    /// Evaluates the expression. Members are called from left to right, and only if they can change the result.
    ///
    /// # Errors
    ///
    /// The first error of a member.
    pub fn evaluate<E>(&self, member: &mut impl FnMut(&str) -> Result<bool, E>) -> Result<bool, E> {
        Ok(match self {
            Self::Constant(value) => *value,
            Self::Member(name) => member(name)?,
            Self::Not(expression) => !expression.evaluate(member)?,
            Self::And(left, right) => left.evaluate(member)? && right.evaluate(member)?,
            Self::Or(left, right) => left.evaluate(member)? || right.evaluate(member)?,
            Self::Equal(left, right) => left.evaluate(member)? == right.evaluate(member)?,
        })
    }
}

struct Parser<'e> {
    rest: &'e str,
    members: &'e BTreeSet<&'e str>,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expression, String> {
        let mut left = self.and()?;
        while self.take("||") {
            left = Expression::Or(left.into(), self.and()?.into());
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.comparison()?;
        while self.take("&&") {
            left = Expression::And(left.into(), self.comparison()?.into());
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.operand()?;
        if self.take("==") {
            return Ok(Expression::Equal(left.into(), self.operand()?.into()));
        }
        if self.take("!=") {
            let equal = Expression::Equal(left.into(), self.operand()?.into());
            return Ok(Expression::Not(equal.into()));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let operand = if self.take("!") {
            Expression::Not(self.operand()?.into())
        } else if self.take("(") {
            let inner = self.or()?;
            self.expect(")")?;
            inner
        } else {
            self.name()?
        };
        self.depth -= 1;
        Ok(operand)
    }

    fn name(&mut self) -> Result<Expression, String> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return Err(match rest {
                "" => "it ends where a member is expected".to_owned(),
                _ => format!("expected a member at `{rest}`"),
            });
        }
        self.rest = after;
        match name {
            "true" => return Ok(Expression::Constant(true)),
            "false" => return Ok(Expression::Constant(false)),
            _ => {}
        }
        if !self.members.contains(name) {
            return Err(format!("`{name}` is not a member of `spec.policies`"));
        }
        self.expect("(")?;
        self.expect(")")?;
        Ok(Expression::Member(name.to_owned()))
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) {
            return Ok(());
        }
        match self.rest.trim_start() {
            "" => Err(format!("it ends where `{token}` is expected")),
            rest => Err(format!("expected `{token}` at `{rest}`")),
        }
    }

    /// Skips a token, if it is next.
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(token) {
            // `!=` is not a negation.
            Some(after) if token == "!" && after.starts_with('=') => false,
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn parse(text: &str) -> Result<Expression, String> {
        Expression::parse(text, &BTreeSet::from(["yes", "no", "_a1"]))
    }

    /// Evaluates with members that are what their name says, and returns the called members too.
    #[track_caller]
    fn evaluate(text: &str) -> (bool, Vec<String>) {
        let mut called = Vec::new();
        let result = parse(text).unwrap().evaluate(&mut |name| {
            called.push(name.to_owned());
            Ok::<_, Infallible>(name == "yes")
        });
        (result.unwrap(), called)
    }

    #[test]
    fn operators_bind_like_in_cel_and_rhai() {
        for (text, expected) in [
            ("yes()", true),
            ("!yes()", false),
            ("yes() || no() && no()", true),
            ("(yes() || no()) && no()", false),
            ("!no() && yes()", true),
            ("yes() == no()", false),
            ("yes() != no() && true", true),
            (" ! ( no ( ) ) ", true),
            ("false || !!yes()", true),
            ("_a1() == false", true),
        ] {
            assert_eq!(evaluate(text).0, expected, "{text}");
        }
    }

    #[test]
    fn only_members_that_can_change_the_result_are_called() {
        assert_eq!(evaluate("yes() || no()"), (true, vec!["yes".to_owned()]));
        assert_eq!(evaluate("no() && yes()"), (false, vec!["no".to_owned()]));
        assert_eq!(evaluate("no() || yes()").1, ["no", "yes"]);
    }

    #[test]
    fn other_expressions_are_refused() {
        for (text, reason) in [
            ("", "it ends where a member is expected"),
            ("yes() &&", "it ends where a member is expected"),
            ("yes", "it ends where `(` is expected"),
            ("yes(1)", "expected `)` at `1)`"),
            ("(yes()", "it ends where `)` is expected"),
            ("yes() no()", "expected an operator at `no()`"),
            ("yes() == no() == yes()", "expected an operator at `== yes()`"),
            ("other()", "`other` is not a member of `spec.policies`"),
            ("yes() | no()", "expected an operator at `| no()`"),
            ("'a' == 'b'", "expected a member at `'a' == 'b'`"),
        ] {
            assert_eq!(parse(text).unwrap_err(), reason, "{text}");
        }
        let deep = "(".repeat(100_000);
        assert_eq!(parse(&deep).unwrap_err(), "nested deeper than 64 levels");
    }
}
