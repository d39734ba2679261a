-- wrk sends the bodies to one system, one after another, counts the good answers and notes each of them. In a body,
-- NUMBER stands for that of the request.
--
-- Arguments: how ("post", "journey" or "get"), for how many seconds, the file of bodies, the file for the answers,
-- then headers as "Name: value". A journey posts, and then opens the page that it is sent to.
--
-- After those seconds nothing more is sent, and what is under way is waited for: so the count is exact, and is not only
-- what had arrived when wrk stopped. wrk must run with one thread, and some seconds longer.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int, moment*);
]]
local moment = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  how, seconds, answers_file = arguments[1], tonumber(arguments[2]), arguments[4]
  requests, numbered, pages, noted, statuses = {}, {}, {}, {}, {}
  good, counted, sent, ends = 0, 0, 0, nil
  for number = 5, #arguments do
    local name, value = arguments[number]:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  if how == "get" then
    requests[1] = wrk.format("GET")
  else
    for body in io.lines(arguments[3]) do
      table.insert(requests, wrk.format("POST", nil, nil, body))
      if body:find("NUMBER") then table.insert(numbered, body) end
    end
  end
end

function request()
  ends = ends or now() + seconds
  if #pages > 0 then return wrk.format("GET", table.remove(pages)) end
  if now() >= ends then return "" end
  sent = sent + 1
  local place = (sent - 1) % #requests + 1
  if #numbered == 0 then return requests[place] end
  return wrk.format("POST", nil, nil, (numbered[place]:gsub("NUMBER", sent)))
end

function response(status, headers, body)
  statuses[status] = (statuses[status] or 0) + 1
  local place = headers["Location"] or headers["HX-Push-Url"]
  if status == 303 and how == "journey" then
    table.insert(pages, place)
    table.insert(noted, place)
  elseif status == 200 then
    good = good + 1
    if now() < ends then counted = counted + 1 end
    if how == "post" then table.insert(noted, place or body) end
  end
end

function done(summary, latency)
  local thread = threads[1]
  local file = assert(io.open(thread:get("answers_file"), "w"))
  for _, line in ipairs(thread:get("noted")) do
    file:write((line:gsub("\n", " ")), "\n")
  end
  file:close()
  local found = {}
  for status, count in pairs(thread:get("statuses")) do
    table.insert(found, string.format('"%d": %d', status, count))
  end
  print(string.format(
    '{"good": %d, "rate": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, "cut": %d, "statuses": {%s}}',
    thread:get("good"), thread:get("counted") / thread:get("seconds"),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    table.concat(found, ", ")))
end
