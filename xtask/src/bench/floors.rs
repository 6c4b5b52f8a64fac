//! What others need for the same work, to hold our figures against.

/// Measured elsewhere on a 2-core machine while it did other work: ratios matter, not seconds.
const AGENTS: [(&str, &str, &str); 4] = [
    ("Fluent Bit 5.1", "36 to nothing, 55 to Kafka (acks 1, lz4); reading and splitting alone 26", "150-160 MiB"),
    ("Vector 0.57", "58 to nothing, 97 to Kafka", "63-116 MiB"),
    ("rsyslog 8.2302", "79 to nothing, 97 to Kafka", "245-290 MiB"),
    ("syslog-ng 3.38", "96 to nothing, 102 to Kafka", "70-150 MiB"),
];
const INDEXERS: [(&str, &str); 4] = [
    ("Fluent Bit 5.1", "25-28 (125,000 documents/s)"),
    ("rsyslog, passing bytes", "42 (118,000 documents/s)"),
    ("Vector 0.57", "77 (58,000 documents/s)"),
    ("rsyslog, parsing", "91 (54,000 documents/s)"),
];
const STAGES: [(&str, &str); 7] = [
    ("native serde_json of a line", "180 ns"),
    ("native lookup of one field", "90-110 ns"),
    ("bare librdkafka producer, 530-byte message", "1,500 ns with lz4, 1,700 with zstd, 6,100 with gzip"),
    ("Fluent Bit filter, native", "200 ns"),
    ("Fluent Bit filter, Lua", "2,300 ns doing nothing, 3,000 dropping debug"),
    ("Fluent Bit filter, WebAssembly", "3,700 ns doing nothing, 8,300 scanning the text in C"),
    ("Fluent Bit filter, WebAssembly, serde_json", "47,000 ns"),
];

pub(crate) fn print() {
    println!(
        "\nFor comparison: measured elsewhere on a 2-core machine that had other work; ratios matter, not seconds"
    );
    println!("\n  a record, in");
    for (name, figure) in STAGES {
        println!("    {name:<44} {figure}");
    }
    println!("\n  8 CRI files of 254-byte JSON lines, CPU seconds a GiB of input");
    for (name, figure, memory) in AGENTS {
        println!("    {name:<25} {figure}; peak RSS {memory}");
    }
    println!("\n  Kafka → counting index, 400-byte documents, CPU seconds a GiB of documents");
    for (name, figure) in INDEXERS {
        println!("    {name:<25} {figure}");
    }
}
