# Shepherd Model Gateway (Rust), an HTTP upstream that speaks OpenAI
PORT=9103
MODEL=bench
HEADERS="Authorization: Bearer sk-bench"
READY_TIMEOUT=40
START='exec $BIN/venv/bin/smg launch --host 127.0.0.1 --port 9103 --worker-urls http://127.0.0.1:$UPSTREAM_PORT --policy round_robin --log-level error --prometheus-port 29103 --api-key sk-bench --disable-tokenizer-autoload --max-concurrent-requests 20000 --worker-startup-check-interval 1'
