"""The notifier that Sluice replaces, as its users know it: each record of a topic whose `log` tells of an exception is
posted to a webhook.

python3 notifier.py BROKERS TOPIC URL
"""

import json
import sys
import urllib.request

from confluent_kafka import Consumer, KafkaError


def message(record):
    """What is posted about a record. The spaces before two of the line breaks are part of it."""
    origin = record["kubernetes"]
    text = (
        "Found problem in log\n"
        f"Container: {origin['container_name']}\n"
        f"Namespace: {origin['namespace_name']} \n"
        f"Pod: {origin['pod_name']} \n"
        f"Host: {origin['host']}"
    )
    return {"attachments": [{"text": text, "color": "#00FF00"}]}


def post(url, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    # A proxy of the environment would be asked for loopback, too.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        answer.read()


def main(brokers, topic, url):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "logs-inspector", "auto.offset.reset": "smallest"})
    consumer.subscribe([topic])
    while True:
        found = consumer.poll(1.0)
        if found is None:
            continue
        if found.error():
            if found.error().code() == KafkaError._PARTITION_EOF:
                continue
            sys.exit(str(found.error()))
        record = json.loads(found.value().decode("utf-8"))
        if "log" in record and "exception" in record["log"].lower():
            post(url, message(record))


if __name__ == "__main__":
    main(*sys.argv[1:])
