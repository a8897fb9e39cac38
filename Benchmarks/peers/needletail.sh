PORT=9120
MODEL=bench
MODEL_TRANSLATE=bench-anthropic
HEADERS="Authorization: Bearer sk-bench"
READY_TIMEOUT=20
USAGE_PORT=9121                             # where it tells its own token counts
START='exec ${NEEDLETAIL_BIN:?run Scripts/bench} serve --config $BENCH/conf/needletail.yaml'
