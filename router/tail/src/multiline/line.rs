//! What the languages look for in a line.

/// A line without the `\n` or `\r\n` that it ends with.
pub fn without_line_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// The line without its indentation, where it has one and something behind it.
pub fn indented(line: &[u8]) -> Option<&[u8]> {
    let text = line.trim_ascii_start();
    (text.len() < line.len() && !text.is_empty()).then_some(text)
}

/// `at` in a line is where a stack frame of Java, JavaScript and .NET begins.
pub fn is_frame(line: &[u8]) -> bool {
    indented(line).is_some_and(|text| text.starts_with(b"at "))
}

/// A line with nothing but the marks that point to a place in the line above.
pub fn is_pointer(line: &[u8]) -> bool {
    indented(line).or(Some(line)).is_some_and(|text| {
        let text = text.trim_ascii_end();
        !text.is_empty() && text.iter().all(|byte| matches!(byte, b'^' | b'~' | b' '))
    })
}

/// Whether `line[..end]` ends with the name of a class of exceptions, which its text or nothing follows:
/// `java.io.IOException: gone`, `TypeError [ERR_X]: gone`, `Error`.
pub fn names_exception(line: &[u8], end: usize) -> bool {
    match &line[end..] {
        [] | [b':'] | [b':', b' ', ..] => true,
        // Node's errors have codes.
        [b' ', b'[', code @ ..] => {
            let length = code.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
            length > 0 && code[length..].starts_with(b"]:")
        }
        _ => false,
    }
}

/// What follows the digits at the start of `text`, where there are some.
pub fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then(|| &text[length..])
}

pub fn contains(line: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(line, part).is_some()
}
