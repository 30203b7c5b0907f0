# Starts a RabbitMQ server, and before it the epmd that every Erlang node registers with. An epmd that the
# node starts itself would leave this process group, and so outlive the tests.
epmd &
epmd=$!
until epmd -names >/dev/null 2>&1; do
    kill -0 "$epmd" || exit 1
    sleep 0.05
done
exec /usr/lib/rabbitmq/bin/rabbitmq-server
