//! A component, but no plugin.
wit_bindgen::generate!({
    inline: "
        package hostile:no-plugin;
        world component { export greet: func() -> string; }
    ",
});

struct Greeter;

impl Guest for Greeter {
    fn greet() -> String {
        "hello".into()
    }
}

export!(Greeter);
