#!/bin/sh
# The checks of README.md: prints one line each, and ends with 1 if one of them fails.
obex=http://localhost:8443
idp=http://localhost:9000
failed=0

# check NAME EXPECTED CURL-ARGUMENTS…: compares the status, 000 where nobody listens.
check() {
  name=$1 expected=$2
  shift 2
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 "$@")
  if [ "$status" = "$expected" ]; then echo "ok    $status  $name"; else
    echo "FAIL  $status  $name (expected $expected)"
    failed=1
  fi
}

token=$(curl --silent --user obex-demo:change-me-7 "$idp/token" \
  --data grant_type=client_credentials --data scope=mcp:read --data-urlencode "resource=$obex/mcp" |
  sed 's/.*"access_token":"\([^"]*\)".*/\1/')
initialize='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"checks","version":"1"}}}'

# post CHECK-ARGUMENTS…: what every message of an MCP client carries.
post() {
  check "$@" --request POST --header 'Content-Type: application/json' \
    --header 'Accept: application/json, text/event-stream' "$obex/mcp"
}

check health 200 "$obex/health"
check ready 200 "$obex/ready"
check 'protected resource metadata' 200 "$obex/.well-known/oauth-protected-resource/mcp"
post 'no token' 401 --data "$initialize"
post 'a wrong token' 401 --data "$initialize" --header 'Authorization: Bearer nonsense'
post 'a valid token' 200 --data "$initialize" --header "Authorization: Bearer $token"
head -c 5000000 /dev/zero | tr '\0' ' ' |
  { post 'a body of 5 MB' 413 --data-binary @- --header "Authorization: Bearer $token" --header 'Expect:'; exit $failed; } || failed=1
check 'the backend, past Obex' 000 http://localhost:9090/mcp
exit $failed
