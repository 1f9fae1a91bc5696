-- The bench's request for wrk. Arguments: path of the body, path of the fields ("Name: value" lines), and, if requests
-- are to take turns with many tokens, path of the tokens, one a line.
function init(args)
  wrk.method = 'POST'
  wrk.body = io.open(args[1]):read('*a')
  for line in io.lines(args[2]) do
    local name, value = line:match('^([^:]+): (.*)$')
    wrk.headers[name] = value
  end
  if args[3] == nil then return end
  local requests, last = {}, 0
  for token in io.lines(args[3]) do
    wrk.headers['Authorization'] = 'Bearer ' .. token
    requests[#requests + 1] = wrk.format()
  end
  request = function()
    last = last % #requests + 1
    return requests[last]
  end
end

function done(summary)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"micros":%d,"refused":%d,"broken":%d}\n', summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
