//! Documents in, problems or plans out. `testdata/bad` holds one mistake a file, and each file begins with the exact
//! problems it must give.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

pub(super) fn environment(name: &str) -> Option<String> {
    let value = match name {
        "NODE_NAME" => "node-7",
        "BROKER" => "kafka",
        "EMPTY" => "",
        "YES" => "true",
        "FOUR" => "4",
        "SECONDS" => "7",
        "KAFKA_PASSWORD" | "ELASTIC_PASSWORD" => "from-environment",
        "SLACK_URL" => "https://hooks.slack.com/services/from-environment",
        _ => return None,
    };
    Some(value.to_owned())
}

pub(super) fn documents(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/testdata").join(folder);
    let mut documents: Vec<(PathBuf, String)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    documents.sort();
    documents
}

#[test]
fn bad_documents_give_exactly_their_problems() {
    let documents = documents("bad");
    let mut wrong = String::new();
    for (path, text) in &documents {
        let expect: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# expect: ")).collect();
        let checked = check(text, "sluice.yaml", &environment);
        let found: Vec<String> = checked.problems.iter().map(Problem::to_string).collect();
        if found != expect || expect.is_empty() || checked.plan.is_some() {
            let name = path.file_name().unwrap_or_default().display();
            wrong += &format!("\n{name}:\n# expect: {}\n", found.join("\n# expect: "));
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn good_documents_give_a_plan_without_errors() {
    for (path, text) in documents("good") {
        let checked = check(&text, "sluice.yaml", &environment);
        let warns = ["design", "warnings"].iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name));
        assert!(checked.plan.is_some(), "{}: {:#?}", path.display(), checked.problems);
        assert_eq!(!checked.problems.is_empty(), warns, "{}: {:#?}", path.display(), checked.problems);
    }
}

fn checked(name: &str) -> Checked {
    let (_, text) =
        documents("good").into_iter().find(|(path, _)| path.file_stem().is_some_and(|stem| stem == name)).unwrap();
    check(&text, "sluice.yaml", &environment)
}

fn planned(name: &str) -> Plan {
    checked(name).plan.unwrap()
}

fn value(text: &str) -> Secret {
    Secret::Value(text.to_owned())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_design_document_means_what_it_says() {
    let [ship, index, alert] = planned("design").pipelines.try_into().unwrap();
    let expect = Pipeline {
        name: "ship".to_owned(),
        source: Source::Files(FilesSource {
            include: texts(&["/var/log/containers/*.log"]),
            exclude: Vec::new(),
            host: Some("node-7".to_owned()),
            checkpoints: PathBuf::from("/var/lib/sluice"),
            exclude_own: true,
            max_line: 256 << 10,
            texts: Texts {
                long_lines: LongLines::Truncate,
                format: None,
                time: None,
                multiline: Vec::new(),
                max_join_lines: 1000,
                join_timeout: Duration::from_secs(5),
            },
            read_from: ReadFrom::Beginning,
            rate_limit: None,
            scan_interval: Duration::from_secs(1),
        }),
        plugins: vec![
            Plugin {
                name: "drop-debug".to_owned(),
                component: PathBuf::from("/etc/sluice/plugins/level-filter.wasm"),
                sha256: None,
                config: r#"{"at_least":"info"}"#.to_owned(),
                on_fault: None,
                grant: Grants::default(),
                private: None,
                trial: Trial::default(),
            },
            Plugin {
                name: "redact".to_owned(),
                component: PathBuf::from("/etc/sluice/plugins/redact.wasm"),
                sha256: None,
                config: r#"{"rules":["email","credit-card"]}"#.to_owned(),
                on_fault: None,
                grant: Grants::default(),
                private: None,
                trial: Trial::default(),
            },
        ],
        sink: Sink::Kafka(KafkaSink {
            brokers: texts(&["kafka:9092"]),
            topic: "logs".to_owned(),
            topic_key: None,
            exclude_topic_key: false,
            allowed_topics: Vec::new(),
            acks: Acks::Leader,
            compression: KafkaCompression::Gzip,
            include_tag: true,
            include_time: true,
            partition: Partition::Container,
            linger: Duration::from_millis(50),
            max_in_flight: 64 << 20,
            options: KafkaOptions::new(),
        }),
    };
    assert_eq!(ship, expect);
    let expect = Pipeline {
        name: "index".to_owned(),
        source: Source::Kafka(KafkaSource {
            brokers: texts(&["kafka:9092"]),
            group: "sluice".to_owned(),
            topics: texts(&["logs"]),
            start: Start::Earliest,
            options: KafkaOptions::new(),
        }),
        plugins: Vec::new(),
        sink: Sink::Elasticsearch(ElasticsearchSink {
            hosts: texts(&["https://elasticsearch:443"]),
            index: IndexName::Logstash {
                prefix: "kubernetes".to_owned(),
                separator: "-".to_owned(),
                date_format: "%Y.%m.%d".to_owned(),
            },
            allowed_indices: Vec::new(),
            tag_key: None,
            auth: None,
            ca_file: None,
            compression: BulkCompression::None,
            flush: Flush { interval: Duration::from_secs(5), bytes: 6 << 20, concurrency: 8 },
            max_in_flight: 64 << 20,
            request_timeout: Duration::from_secs(60),
            retry: Retry { initial: Duration::from_secs(1), max_interval: Duration::from_secs(30) },
        }),
    };
    assert_eq!(index, expect);
    let exceptions = Plugin {
        name: "exceptions".to_owned(),
        component: PathBuf::from("/etc/sluice/plugins/exception-notifier.wasm"),
        sha256: None,
        config: "{}".to_owned(),
        on_fault: None,
        grant: Grants::default(),
        private: None,
        trial: Trial::default(),
    };
    assert_eq!(alert.plugins, [exceptions]);
    let slack = SlackSink {
        webhook: Secret::File(PathBuf::from("/etc/sluice/secrets/slack-url")),
        window: Duration::from_secs(300),
        max_age: Some(Duration::from_secs(3600)),
        queue: 100,
        give_up_after: None,
        request_timeout: Duration::from_secs(10),
        retry: Retry { initial: Duration::from_secs(1), max_interval: Duration::from_secs(30) },
        ca_file: None,
    };
    assert_eq!(alert.sink, Sink::Slack(slack));
}

#[test]
fn every_key_reaches_the_plan() {
    let plan = planned("everything");
    assert_eq!(plan.grace_period, Duration::from_secs(60));
    assert_eq!(plan.admin, Some(Admin { listen: (std::net::Ipv6Addr::UNSPECIFIED, 9600).into() }));
    assert_eq!(plan.crash_bundles, Some(CrashBundles { folder: PathBuf::from("/var/lib/sluice/crashes"), keep: 5 }));
    assert_eq!(plan.plugin_cache, Some(PathBuf::from("/var/lib/sluice/plugins")));
    let dead_letter = DeadLetter {
        brokers: texts(&["kafka:9092"]),
        topic: "logs-dead".to_owned(),
        options: KafkaOptions::from([("message.max.bytes".to_owned(), value("2000000"))]),
    };
    assert_eq!(plan.dead_letter, Some(dead_letter));
    let [ship, index, archive, alert, chat] = plan.pipelines.try_into().unwrap();
    let files = FilesSource {
        include: texts(&["/var/log/containers/*.log", "/var/log/other/*.log"]),
        exclude: texts(&["/var/log/containers/*_kube-system_*.log"]),
        host: Some("node-1".to_owned()),
        checkpoints: PathBuf::from("/data/checkpoints"),
        exclude_own: false,
        max_line: 512 << 10,
        texts: Texts {
            long_lines: LongLines::Split,
            format: Some(LogFormat::Plain),
            time: Some(LineTime {
                pattern: r"^[IWEF](\d{4} \d\d:\d\d:\d\d\.\d+)".to_owned(),
                format: Some("%m%d %H:%M:%S%.f".to_owned()),
                zone: "+01:00".to_owned(),
            }),
            multiline: vec![
                Multiline::Language(Language::Java),
                Multiline::Language(Language::Php),
                Multiline::Rule { start: r"^\[".to_owned(), go_on: Some(r"^\s".to_owned()) },
            ],
            max_join_lines: 200,
            join_timeout: Duration::from_secs(2),
        },
        read_from: ReadFrom::End,
        rate_limit: Some(2 << 20),
        scan_interval: Duration::from_millis(500),
    };
    assert_eq!(ship.source, Source::Files(files));
    let config: serde_json::Value = serde_json::from_str(&ship.plugins[0].config).unwrap();
    let expect = serde_json::json!({
        "at_least": "warn",
        "numbers": [1, -2, 2.5, true, null, "1"],
        "log.level": { "nested": {} },
    });
    assert_eq!(config, expect);
    assert_eq!(ship.plugins[0].sha256, Some([0xab; 32]));
    assert_eq!(ship.plugins[0].grant, Grants { clock: true, random: true });
    assert_eq!(ship.plugins[0].private, Some(false));
    let faults: Vec<Option<OnFault>> =
        [&ship, &alert, &chat].iter().map(|pipeline| pipeline.plugins[0].on_fault).collect();
    assert_eq!(faults, [Some(OnFault::DeadLetter), Some(OnFault::Halt), Some(OnFault::Pass)]);
    let kafka = KafkaSink {
        brokers: texts(&["kafka-0.kafka:9092", "[2001:db8::1]:9093"]),
        topic: "logs.all_v2".to_owned(),
        topic_key: Some("topic".to_owned()),
        exclude_topic_key: true,
        allowed_topics: texts(&["audit", "Team-*.logs"]),
        acks: Acks::All,
        compression: KafkaCompression::Zstd,
        include_tag: true,
        include_time: true,
        partition: Partition::Random,
        linger: Duration::ZERO,
        max_in_flight: 1_000_000_000,
        options: KafkaOptions::from([
            ("security.protocol".to_owned(), value("sasl_ssl")),
            ("sasl.password".to_owned(), Secret::File(PathBuf::from("/etc/sluice/secrets/kafka"))),
            ("sasl.username".to_owned(), value("sluice")),
            ("socket.keepalive.enable".to_owned(), value("true")),
            ("socket.timeout.ms".to_owned(), value("30000")),
        ]),
    };
    assert_eq!(ship.sink, Sink::Kafka(kafka));
    let source = KafkaSource {
        brokers: texts(&["kafka:9092"]),
        group: "indexers".to_owned(),
        topics: texts(&["logs.all_v2", "others"]),
        start: Start::Latest,
        options: KafkaOptions::from([("sasl.password".to_owned(), value("from-environment"))]),
    };
    assert_eq!(index.source, Source::Kafka(source));
    let elastic = ElasticsearchSink {
        hosts: texts(&["https://a:9200", "https://proxy/elastic"]),
        index: IndexName::Logstash {
            prefix: "k8s".to_owned(),
            separator: ".".to_owned(),
            date_format: "%Y-%m".to_owned(),
        },
        allowed_indices: texts(&["audit-*"]),
        tag_key: Some("fluentd_tag".to_owned()),
        auth: Some(Auth::Basic { user: value("elastic"), password: value("from-environment") }),
        ca_file: Some(PathBuf::from("/etc/sluice/ca.pem")),
        compression: BulkCompression::Gzip,
        flush: Flush { interval: Duration::from_millis(500), bytes: 1_000_000, concurrency: 2 },
        max_in_flight: 10_000_000,
        request_timeout: Duration::from_secs(30),
        retry: Retry { initial: Duration::from_millis(500), max_interval: Duration::from_secs(60) },
    };
    assert_eq!(index.sink, Sink::Elasticsearch(elastic));
    let Sink::Elasticsearch(archive) = archive.sink else {
        panic!("{:?}", archive.sink);
    };
    assert_eq!(archive.index, IndexName::Fixed("archive".to_owned()));
    let key = Secret::File(PathBuf::from("/etc/sluice/secrets/key"));
    assert_eq!(archive.auth, Some(Auth::ApiKey(key)));
    let slack = SlackSink {
        webhook: Secret::File(PathBuf::from("/etc/sluice/secrets/slack-url")),
        window: Duration::from_secs(600),
        max_age: None,
        queue: 1000,
        give_up_after: Some(Duration::from_secs(7200)),
        request_timeout: Duration::from_secs(5),
        retry: Retry { initial: Duration::from_secs(2), max_interval: Duration::from_secs(300) },
        ca_file: Some(PathBuf::from("/etc/sluice/proxy-ca.pem")),
    };
    assert_eq!(alert.sink, Sink::Slack(slack));
    let Sink::Slack(chat) = chat.sink else {
        panic!("{:?}", chat.sink);
    };
    assert_eq!(chat.webhook, value("https://hooks.slack.com/services/from-environment"));
}

#[test]
fn variables_are_resolved_after_parsing() {
    let [pipeline] = planned("variables").pipelines.try_into().unwrap();
    let Source::Kafka(source) = pipeline.source else {
        panic!("{:?}", pipeline.source);
    };
    assert_eq!(source.brokers, ["kafka:9092"]);
    assert_eq!(source.group, "fallback");
    assert_eq!(source.topics, ["in"]);
    assert_eq!(pipeline.plugins[0].component, PathBuf::from("/plugins/one.wasm"));
    assert_eq!(pipeline.plugins[0].config, r#"{"level":"info","literal":"${NOT_A_VARIABLE}"}"#);
    let Sink::Elasticsearch(sink) = pipeline.sink else {
        panic!("{:?}", pipeline.sink);
    };
    assert_eq!(sink.tag_key.as_deref(), Some("tag"));
    assert_eq!(sink.flush.interval, Duration::from_secs(7));
    assert_eq!(sink.flush.concurrency, 4);
}

/// A variable's value is a text wherever it stands: it can neither add keys nor end a quote.
#[test]
fn a_variable_cannot_change_the_shape_of_the_document() {
    let hostile = "x\"\n    sink: { kafka: { brokers: [evil:1], topic: evil } } # ${HOME}";
    let text = "pipelines:\n  p:\n    source: { kafka: { brokers: [a:1], group: \"${GROUP}\", topics: [t] } }\n    \
                sink: { kafka: { brokers: [a:1], topic: out } }\n";
    let checked = check(text, "f", &|_| Some(hostile.to_owned()));
    let Source::Kafka(source) = &checked.plan.as_ref().unwrap().pipelines[0].source else {
        panic!("{checked:?}");
    };
    assert_eq!(source.group, hostile);
}

#[test]
fn aliases_stand_for_whole_values() {
    let [a, b] = planned("aliases").pipelines.try_into().unwrap();
    assert_eq!((a.plugins, a.sink), (b.plugins, b.sink));
}

#[test]
fn warnings_leave_a_plan() {
    let checked = checked("warnings");
    let shown: Vec<String> = checked.problems.iter().map(Problem::to_string).collect();
    let expect = [
        "sluice.yaml:9:35: warning: pipelines.index.source.kafka.options.\"sasl.password\": a secret stands in the \
         document in plain text; write \"{ file: /path }\" or \"{ env: NAME }\"",
        "sluice.yaml:12:9: warning: pipelines.index.sink.elasticsearch.hosts: credentials travel readable to \
         http://elasticsearch:9200; write https://",
        "sluice.yaml:15:21: warning: pipelines.index.sink.elasticsearch.auth.password: a secret stands in the \
         document in plain text; write \"{ file: /path }\" or \"{ env: NAME }\"",
        "sluice.yaml:18:57: warning: pipelines.copy.sink.kafka.acks: with 1 the producer is not idempotent: a leader \
         that is lost can take lines with it that it had acknowledged, and a resend can repeat or reorder lines in \
         the topic (the index removes repeats); write \"acks: all\" unless that is meant",
    ];
    assert_eq!(shown, expect);
    assert!(checked.plan.is_some());
}

#[test]
fn a_plan_never_shows_a_secret() {
    for name in ["everything", "warnings"] {
        let shown = format!("{:?}", checked(name));
        assert!(!shown.contains("from-environment") && !shown.contains("\"plain\""), "{shown}");
    }
}

#[test]
fn problems_about_secrets_do_not_show_them() {
    for name in [
        "secret-in-the-wrong-place",
        "secret-with-dollar",
        "tag-that-is-a-password",
        "elastic-hosts",
        "slack-webhook-in-the-document",
        "slack-webhook-not-an-address",
        "brokers",
    ] {
        let (_, text) =
            documents("bad").into_iter().find(|(path, _)| path.file_stem().is_some_and(|stem| stem == name)).unwrap();
        let problems = check(&text, "sluice.yaml", &environment).problems;
        for secret in ["hunt", "2!", "elastic:secret", "from-env"] {
            assert!(problems.iter().all(|problem| !problem.message.contains(secret)), "{problems:#?}");
        }
    }
}
