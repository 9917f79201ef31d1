-- Sends reviews in turns, and compares each answer with the first answer to the same review. Every new answer is written to a file.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

local folder, number, file = os.getenv("REQUESTS"), tonumber(os.getenv("NUMBER")), os.getenv("ANSWERS")
local reviews, known, next_review = {}, {}, 0
received, wrong = 0, 0

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function text_of(path)
  local opened = assert(io.open(path))
  local text = opened:read("*a")
  opened:close()
  return text
end

-- policy-server writes annotations in any order.
local function in_order(annotations)
  local pairs_of = {}
  for pair in annotations:gmatch('"[^"]*":"[^"]*"') do
    table.insert(pairs_of, pair)
  end
  table.sort(pairs_of)
  return table.concat(pairs_of, ",")
end

local function uid_of(body)
  return body:match('"uid":"([^"]*)"')
end

function init()
  for review = 1, number do
    reviews[review] = wrk.format(nil, nil, nil, text_of(folder .. "/" .. review .. ".json"))
  end
  local answers = io.open(file)
  for body in answers and answers:lines() or function() end do
    known[uid_of(body)] = body
  end
end

function request()
  next_review = next_review % number + 1
  return reviews[next_review]
end

function response(status, _, body)
  received = received + 1
  body = body:gsub('"auditAnnotations":{([^}]*)}', function(annotations)
    return '"auditAnnotations":{' .. in_order(annotations) .. "}"
  end)
  local uid = uid_of(body)
  if status ~= 200 or not uid or (known[uid] and known[uid] ~= body) then
    wrong = wrong + 1
    -- One shows the problem.
    if wrong == 1 then
      io.stderr:write("unexpected answer: ", status, " ", body, "\n")
    end
  elseif not known[uid] then
    known[uid] = body
    local answers = assert(io.open(file, "a"))
    answers:write(body, "\n")
    answers:close()
  end
end

function done(summary)
  local all, failed = 0, 0
  for _, thread in ipairs(threads) do
    all, failed = all + thread:get("received"), failed + thread:get("wrong")
  end
  for _, kind in ipairs({ "connect", "read", "write", "timeout" }) do
    local count = summary.errors[kind]
    failed = failed + count
    if count > 0 then
      io.stderr:write(kind, ": ", count, " errors\n")
    end
  end
  if failed > 0 then
    os.exit(1)
  end
  print("answers: " .. all)
end
