PORT=9104
MODEL=bench
HEADERS="Authorization: Bearer sk-bench"
READY_TIMEOUT=40
START='exec $BIN/venv/bin/vllm-router --host 127.0.0.1 --port 9104 --worker-urls http://127.0.0.1:$UPSTREAM_PORT --policy round_robin --log-level error --prometheus-port 29104 --api-key sk-bench --max-concurrent-requests 20000 --worker-startup-check-interval 1'
