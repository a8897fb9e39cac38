# LiteLLM proxy, tuned as its production notes say: production mode, error log only, no spend log, one worker per core
PORT=9105
MODEL=bench
MODEL_TRANSLATE=bench-anthropic
HEADERS="Authorization: Bearer sk-bench"
READY_TIMEOUT=90
SETTLE=2
SKIP=e5000,a256,o2000,o5000
START='export LITELLM_MODE=PRODUCTION LITELLM_LOG=ERROR LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_SALT_KEY=x NO_DOCS=True DISABLE_ADMIN_UI=True PYTHONDONTWRITEBYTECODE=; exec $BIN/venv/bin/litellm --config $BENCH/conf/litellm.yaml --host 127.0.0.1 --port 9105 --num_workers 1 --telemetry False'
