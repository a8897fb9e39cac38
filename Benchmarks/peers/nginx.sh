PORT=9101
MODEL=bench
HEADERS="Authorization: Bearer sk-bench"
START='sed "s#@BIN@#$BIN#g" $BENCH/conf/nginx.conf > $BIN/tmp/nginx.conf && exec nginx -c $BIN/tmp/nginx.conf'
