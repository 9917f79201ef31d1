# What a runner of GitHub Actions reads from a workflow: expressions, matrices and defaults. Any other expression is an error.

# Returns the value of an expression, or null if it is not set.
def value($context):
  . as $expression
  | if test("^[a-z]+([.][A-Za-z_-]+)+$") then $context | getpath($expression / ".")
    elif test("^contains[(]") then
      capture("^contains[(](?<text>[^,]+), '(?<part>[^']+)'[)]$") as {$text, $part}
      | ($text | value($context)) | contains($part)
    elif test(" == ") then
      capture("^(?<left>.+) == '(?<right>[^']*)'$") as {$left, $right}
      | ($left | value($context)) == $right
    else error("unknown expression: \($expression)")
    end;

# Replaces the expressions in all strings with their values.
def substitute($context):
  def set: . as $expression | value($context) | if . == null then error("not set: \($expression)") else tostring end;
  walk(if type == "string" then gsub("[$]{{ *(?<expression>.+?) *}}"; .expression | set) else . end);

# Returns the entries of the matrix of a job. A matrix has one key, or `include`.
def entries:
  .strategy.matrix
  | if . == null then [{}]
    elif has("include") then .include
    else to_entries[0] as {$key, $value} | [$value[] | {($key): .}]
    end;

# Returns the steps of a job with its defaults and those of the workflow.
def steps($job):
  ((.defaults.run // {}) + (.jobs[$job].defaults.run // {})) as $defaults
  | .jobs[$job].steps | to_entries | map($defaults + .value + {label: "\($job) \(.key)"});
