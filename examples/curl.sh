#!/usr/bin/env bash
# Asks one model in four dialects: examples/curl.sh [MODEL]
set -euo pipefail
url=${CLEWLINE_URL:-http://127.0.0.1:8484}
model=${1:-claude-haiku-4-5}
: "${CLEWLINE_KEY:?set CLEWLINE_KEY to a key of the configuration}"

post() { # post PATH BODY
  curl --silent --show-error --fail-with-body "$url$1" -H "authorization: Bearer $CLEWLINE_KEY" \
    -H "content-type: application/json" -d "$2"
  echo
}

post /v1/chat/completions "{\"model\": \"$model\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}"
post /v1/responses "{\"model\": \"$model\", \"input\": \"Hello\"}"
post /v1/messages "{\"model\": \"$model\", \"max_tokens\": 200, \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}"
post "/v1beta/models/$model:generateContent" "{\"contents\": [{\"role\": \"user\", \"parts\": [{\"text\": \"Hello\"}]}]}"
