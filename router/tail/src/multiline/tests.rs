//! Traces as the languages print them, among lines that are none.

use super::*;

/// Checks that a stream of these lines gives these records, whether the language is chosen alone or with all others.
fn check(languages: &[Language], records: &[&str]) {
    for languages in [languages, &Language::ALL] {
        let multiline = Multiline::new(languages.to_vec(), Vec::new(), 1000);
        let lines = records.iter().flat_map(|record| record.split('\n'));
        assert_eq!(joined(&multiline, lines), records, "{languages:?}");
    }
}

fn joined<'a>(multiline: &Multiline, lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let (mut open, mut records): (Option<Trace>, Vec<String>) = (None, Vec::new());
    for line in lines {
        let next = open.and_then(|trace| multiline.next(trace, line.as_bytes()));
        open = next.or_else(|| multiline.first(line.as_bytes()));
        match records.last_mut() {
            Some(record) if next.is_some() => *record = format!("{record}\n{line}"),
            _ => records.push(line.to_owned()),
        }
    }
    records
}

const BEFORE: &str = r#"2023-11-14T22:13:20Z INFO starting (pid 1)"#;
const JSON: &str = r#"{"level":"error","msg":"java.lang.Error: boom","at":"x"}"#;
const AFTER: &str = "done: 3 items (ok)";

fn check_among_others(languages: &[Language], trace: &str) {
    check(languages, &[BEFORE, trace, AFTER]);
    check(languages, &[JSON, trace, JSON]);
    check(languages, &[trace]);
}

#[test]
fn java() {
    for trace in [
        "java.lang.IllegalStateException: boom\n\tat com.shop.App.run(App.java:12)\n\tat com.shop.App.main(App.java:5)",
        "Exception in thread \"main\" java.lang.NullPointerException\n\tat com.shop.App.main(App.java:5)",
        "Exception in thread \"main\" com.shop.Failure: no suffix\n\tat com.shop.App.main(App.java:5)",
        "2023-11-14 22:13:20 ERROR c.s.App - cannot serve java.io.IOException: gone\n\tat com.shop.App.main(App.java:5)",
        "java.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: inner\n\tat a.D.e(D.java:2)\n\t... 12 more\nCaused by: com.shop.Failure: root\n\tat a.F.g(F.java:3)\n\t... 14 more",
        "java.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)\n\tSuppressed: java.lang.Exception: closing\n\t\tat a.D.e(D.java:2)\n\t\t... 1 more\n\tSuppressed: java.lang.Exception: closing too\n\t\tat a.D.f(D.java:3)\n\t\tCaused by: java.lang.Error: deep\n\t\t\tat a.D.g(Unknown Source)\nCaused by: java.lang.Error: root\n\tat a.F.g(Native Method)\n\t... 2 common frames omitted",
        "java.io.IOException: root\n\tat a.F.g(F.java:3)\n\t... 14 common frames omitted\nWrapped by: java.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)",
        "java.rmi.ServerException: RemoteException occurred; nested exception is: \n\tjava.rmi.UnmarshalException: unrecognized\n\tat sun.rmi.Server.dispatch(Server.java:1)",
        "java.lang.OutOfMemoryError: Java heap space",
        "kotlin.NotImplementedError: An operation is not implemented.\n\tat AppKt.main(App.kt:3)\n\tat java.base/java.lang.Thread.run(Thread.java:833)",
        "com.shop.Outer$InnerException: in a class\n\tat com.shop.Outer.access$000(Outer.java:1)\n\tat com.shop.Outer$$Lambda$14/0x0000000800066840.run(Unknown Source)",
        // The rest of a trace that was parted.
        "\tat com.shop.App.run(App.java:12)\n\tat com.shop.App.main(App.java:5)\n\t... 3 more",
        "Caused by: java.io.IOException: inner\n\tat a.D.e(D.java:2)",
    ] {
        check_among_others(&[Language::Java], trace);
    }
    let two = "java.lang.Error: boom\n\tat a.B.c(B.java:1)";
    check(&[Language::Java], &[two, two, "java.lang.Error: boom", two]);
}

#[test]
fn python() {
    for trace in [
        "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    run()\n  File \"/app/main.py\", line 2, in run\n    raise ValueError('boom')\nValueError: boom",
        "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    print(a + b)\n          ~~^~~\nTypeError: unsupported operand type(s) for +: 'int' and 'str'",
        "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in f\n    f()\n    ^^^\n  [Previous line repeated 987 more times]\nRecursionError: maximum recursion depth exceeded",
        "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    1 / 0\nZeroDivisionError: division by zero\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 4, in <module>\n    raise KeyError('x')\nKeyError: 'x'",
        "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    1 / 0\nZeroDivisionError: division by zero\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"a.py\", line 4, in <module>\n    raise Failure from e\nshop.errors.Failure",
        "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 3, in <module>\n  |     raise ExceptionGroup(\"two\", [ValueError(1), TypeError(2)])\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +---------------- 2 ----------------\n    | Traceback (most recent call last):\n    |   File \"b.py\", line 1, in g\n    |     raise TypeError(2)\n    | TypeError: 2\n    +------------------------------------",
        "ERROR:root:it failed Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    1 / 0\nZeroDivisionError: division by zero",
        "Exception in thread Thread-1 (run):\nTraceback (most recent call last):\n  File \"/usr/lib/python3.12/threading.py\", line 1073, in _bootstrap_inner\n    self.run()\nRuntimeError: boom",
        "  File \"/app/main.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax",
        "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\nKeyboardInterrupt",
        "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    raise e\nValueError: boom\n  a note, indented",
    ] {
        check_among_others(&[Language::Python], trace);
    }
    check(
        &[Language::Python],
        &["Traceback (most recent call last): in the middle", "  File \"a\", line 1", "12: no name", "File a"],
    );
}

#[test]
fn go() {
    for trace in [
        "panic: boom\n\ngoroutine 1 [running]:\nmain.run(...)\n\t/app/main.go:12\nmain.main()\n\t/app/main.go:5 +0x1d\nexit status 2",
        "panic: runtime error: invalid memory address or nil pointer dereference [recovered]\n\tpanic: again\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f1a0]\n\ngoroutine 34 [running]:\nmain.(*Server).serve(0x0, {0xc000012345, 0x1})\n\t/app/server.go:7 +0x2a\npanic({0x4a5b60?, 0x5b5d10?})\n\t/usr/local/go/src/runtime/panic.go:770 +0x132\ncreated by main.start in goroutine 1\n\t/app/main.go:9 +0x5f\n\ngoroutine 1 [chan receive, 5 minutes]:\nmain.main()\n\t/app/main.go:11 +0x88",
        "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/app/main.go:5 +0x2d\n...additional frames elided...\ncreated by main.x\n\t/app/main.go:1 +0x1",
        "fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x1 pc=0x7f]\n\nruntime stack:\nruntime.throw({0x5, 0x2a})\n\t/usr/local/go/src/runtime/panic.go:1023 +0x5c\n\ngoroutine 1 gp=0xc0000061c0 m=0 mp=0x5 [syscall]:\nruntime.cgocall(0x4, 0xc)\n\t/usr/local/go/src/runtime/cgocall.go:157 +0x4b\n\nrax    0x0\nrip    0x7f0000000001",
        "SIGQUIT: quit\nPC=0x46d4a1 m=0 sigcode=0\n\ngoroutine 0 [idle]:\nruntime.futex()\n\t/usr/local/go/src/runtime/sys.s:558 +0x21\n\nrax    0xca\nr8     0x0",
        "2023/11/14 22:13:20 http: panic serving 10.0.0.1:51000: boom\ngoroutine 19 [running]:\nnet/http.(*conn).serve.func1()\n\t/usr/local/go/src/net/http/server.go:1947 +0xbe\nmain.handle[...](0x1)\n\t/app/main.go:3",
        "goroutine 7 [select, locked to thread]:\nmain.loop()\n\t/app/main.go:3 +0x1",
    ] {
        check_among_others(&[Language::Go], trace);
    }
}

#[test]
fn javascript() {
    for trace in [
        "Error: boom\n    at run (/app/index.js:3:11)\n    at async main (file:///app/main.mjs:4:5)\n    at new Promise (<anonymous>)\n    at /app/x.js:1:2",
        "/app/index.js:3\n    throw new Error('boom');\n    ^\n\nError: boom\n    at Object.<anonymous> (/app/index.js:3:11)\n    at node:internal/main/run_main_module:28:49\n\nNode.js v20.10.0",
        "TypeError [ERR_INVALID_ARG_TYPE]: The \"path\" argument must be of type string\n    at Object.open (node:fs:587:10) {\n  code: 'ERR_INVALID_ARG_TYPE'\n}",
        "order failed Error: outer\n    at run (/app/index.js:3:11) {\n  [cause]: TypeError: inner\n      at deep (/app/deep.js:1:1)\n}",
        "AggregateError: All promises were rejected\n    at all (/app/index.js:1:1) {\n  [errors]: [\n    Error: one\n        at one (/app/one.js:1:1)\n  ]\n}",
        "(node:1) UnhandledPromiseRejectionWarning: Error: boom\n    at run (/app/index.js:3:11)",
        "node:internal/modules/cjs/loader:1080\n  throw err;\n  ^\n\nError: Cannot find module 'x'\n    at Module._load (node:internal/modules/cjs/loader:922:27) {\n  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}\n\nNode.js v20.10.0",
        "Error: boom\n    at run (/app/index.js:3:11)\nFrom previous event:\n    at later (/app/index.js:9:1)",
        "    at run (/app/index.js:3:11)\n    at next (/app/index.js:4:11)",
    ] {
        check_among_others(&[Language::JavaScript], trace);
    }
}

#[test]
fn dotnet() {
    for trace in [
        "Unhandled exception. System.InvalidOperationException: outer\n ---> System.ArgumentNullException: Value cannot be null. (Parameter 'x')\n   at Shop.Program.Inner() in /src/Program.cs:line 12\n   --- End of inner exception stack trace ---\n   at Shop.Program.Main(String[] args) in /src/Program.cs:line 20",
        "System.Exception: boom\n   at Shop.Program.<>c.<<Run>b__0_0>d.MoveNext() in /src/Program.cs:line 3\n--- End of stack trace from previous location ---\n   at Shop.Program.Main()",
        "fail: Microsoft.AspNetCore.Server.Kestrel[13]\n      Connection id \"0HM\": An unhandled exception was thrown by the application.\n      System.Exception: boom\n         at Shop.Startup.Configure() in /src/Startup.cs:line 9",
        "info: Microsoft.Hosting.Lifetime[0]\n      Now listening on: http://[::]:80",
        "2023-11-14 22:13:20 [ERR] failed System.TimeoutException: late\n   at Shop.Db.Query(String sql)",
        "System.ArgumentNullException: Value cannot be null.\nParameter name: source\n   at System.Linq.Enumerable.First()",
        "   at Shop.Program.Inner() in C:\\src\\Program.cs:line 12\n   at Shop.Program.Main(String[] args)",
    ] {
        check_among_others(&[Language::DotNet], trace);
    }
}

#[test]
fn ruby() {
    for trace in [
        "/app/main.rb:3:in `run': boom (RuntimeError)\n\tfrom /app/main.rb:7:in `block in start'\n\tfrom /app/main.rb:10:in `<main>'",
        "main.rb:3:in 'Object#run': boom (RuntimeError)\n\tfrom main.rb:10:in '<main>'",
        "/app/main.rb:5:in `rescue in run': second (RuntimeError)\n\tfrom /app/main.rb:1:in `run'\n/app/main.rb:3:in `run': first (ArgumentError)\n\tfrom /app/main.rb:10:in `<main>'",
        "Traceback (most recent call last):\n\t2: from main.rb:10:in `<main>'\n\t1: from main.rb:7:in `start'\nmain.rb:3:in `run': boom (RuntimeError)",
        "Traceback (most recent call last):\n\t10920: from main.rb:10:in `<main>'\n\t ... 10909 levels...\n\t    1: from main.rb:3:in `run'\nmain.rb:3:in `run': stack level too deep (SystemStackError)",
        "test.rb:1:in `<main>': undefined method `foo' for nil:NilClass (NoMethodError)\n\nnil.foo\n   ^^^^\n\tfrom x.rb:2:in `y'",
        "main.rb:1:in `<main>': uninitialized constant Strng (NameError)\nDid you mean?  String\n\tfrom x.rb:2:in `y'",
        "\tfrom /app/main.rb:7:in `block in start'\n\tfrom /app/main.rb:10:in `<main>'",
    ] {
        check_among_others(&[Language::Ruby], trace);
    }
}

#[test]
fn php() {
    for trace in [
        "PHP Fatal error:  Uncaught Exception: boom in /app/index.php:3\nStack trace:\n#0 /app/index.php(7): run()\n#1 {main}\n  thrown in /app/index.php on line 3",
        "[14-Nov-2023 22:13:20 UTC] PHP Fatal error:  Uncaught RuntimeException: inner in /app/a.php:1\nStack trace:\n#0 [internal function]: App->run()\n#1 {main}\n\nNext LogicException: outer in /app/b.php:2\nStack trace:\n#0 {main}\n  thrown in /app/b.php on line 2",
        "[14-Nov-2023 22:13:20 UTC] PHP Fatal error:  Allowed memory size exhausted in /app/a.php on line 3\n[14-Nov-2023 22:13:20 UTC] PHP Stack trace:\n[14-Nov-2023 22:13:20 UTC] PHP   1. {main}() /app/a.php:0\n[14-Nov-2023 22:13:20 UTC] PHP   2. run() /app/a.php:3",
        "[2023-11-14 22:13:20] production.ERROR: boom {\"exception\":\"[object] (Exception(code: 0): boom at /app/a.php:3)\n[stacktrace]\n#0 /app/b.php(7): run()\n#1 {main}\n\"} ",
        "Fatal error: Uncaught Exception: boom in /app/index.php:3\nStack trace:\n#0 {main}\n  thrown in /app/index.php on line 3",
        "#3 /app/index.php(7): run()\n#4 {main}",
    ] {
        check_among_others(&[Language::Php], trace);
    }
}

#[test]
fn lines_that_are_no_trace_stay_alone() {
    let lines = [
        "",
        "{",
        "}",
        "   indented, and nothing more",
        "ERROR: not a class",
        "Errors: 5",
        "An Error occurred",
        "retry after Exceptional weather",
        "at noon",
        "# comment",
        "#5 is alive",
        "/var/log/app.log",
        "from: me",
        "goroutine leak?",
        "panic",
        "Stack trace:",
        "  thrown in the bin",
        "info: all is well",
        "fail: no event",
        "During handling of the above exception, another exception occurred:",
        "... 5 apples",
        "\t",
        "^^^",
        "12:30:01 in `time'",
    ];
    check(&[], &lines);
}

#[test]
fn a_trace_ends_where_another_line_comes() {
    for other in ["INFO next", JSON, "2023-11-14 22:13:21 WARN (x)", "listening on (tcp)", "[x] y", "#hash"] {
        for trace in [
            "java.lang.Error: boom\n\tat a.B.c(B.java:1)",
            "java.lang.Error: boom",
            "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    1 / 0\nE: x",
            "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5 +0x1d",
            "Error: boom\n    at run (/app/index.js:3:11)",
            "System.Exception: boom\n   at Shop.Program.Main()",
            "main.rb:3:in `run': boom (RuntimeError)\n\tfrom main.rb:10:in `<main>'",
            "PHP Fatal error:  Uncaught Exception: boom in /app/index.php:3\nStack trace:\n#0 {main}",
        ] {
            check(&Language::ALL, &[trace, other, trace]);
        }
    }
}

#[test]
fn patterns_of_ones_own() {
    let rules = |rules: &[(&str, Option<&str>)]| {
        let rules = rules.iter().map(|(start, go_on)| Rule::new(start, *go_on).unwrap()).collect();
        Multiline::new(vec![Language::Java], rules, 1000)
    };
    let lines =
        ["x", "[1] a", "b", "  c", "[2] d", "java.lang.Error: e", "\tat f.G.h(G.java:1)", "--", "<i", "i>", "j"];
    for (rules, expected) in [
        (
            rules(&[(r"^\[", None)]),
            &["x", "[1] a\nb\n  c", "[2] d\njava.lang.Error: e\n\tat f.G.h(G.java:1)\n--\n<i\ni>\nj"][..],
        ),
        (
            rules(&[(r"^\[", Some(r"^ ")), ("^<", Some(">$"))]),
            &["x", "[1] a", "b", "  c", "[2] d", "java.lang.Error: e\n\tat f.G.h(G.java:1)", "--", "<i\ni>", "j"],
        ),
    ] {
        assert_eq!(joined(&rules, lines.into_iter()), expected);
    }
    assert!(Rule::new(r"^(?-u:\xff)", None).unwrap().starts(b"\xff\x00"));
    assert!(matches!(Rule::new("(", None), Err(RuleError::Start(message)) if message == "unclosed group"));
    assert!(matches!(Rule::new("a", Some("[")), Err(RuleError::Continue(_))));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken(lines: Vec<Vec<u8>>) {
        let multiline = Multiline::new(Language::ALL.to_vec(), Vec::new(), 1000);
        let mut open = None;
        for line in &lines {
            open = open.and_then(|trace| multiline.next(trace, line)).or_else(|| multiline.first(line));
        }
    }

    /// Whatever a trace is made of: what comes next is judged without a panic, and so is what it is cut to.
    #[test]
    fn pieces_of_traces_are_taken(picks in proptest::collection::vec((0usize..40, 0usize..80), 0..30)) {
        let multiline = Multiline::new(Language::ALL.to_vec(), Vec::new(), 1000);
        let source = include_str!("tests.rs");
        let lines: Vec<&str> = source.split("\\n").collect();
        let mut open = None;
        for (pick, cut) in picks {
            let line = lines[pick % lines.len()].as_bytes();
            let line = &line[..cut.min(line.len())];
            open = open.and_then(|trace| multiline.next(trace, line)).or_else(|| multiline.first(line));
        }
    }
}
