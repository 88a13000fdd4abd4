//! The conditions of a policy, each replaced by true, by false, or reduced by one role.
//!
//! Reads the text that PostgreSQL returns, in which every condition has its own parentheses.

/// The expression with one condition changed: a description of the change, and the result.
pub fn variants(expression: &str) -> Vec<(String, String)> {
    let mut variants = Vec::new();
    for (start, end) in groups(expression) {
        let group = &expression[start..end];
        if is_condition(group) {
            for value in ["true", "false"] {
                let whole = format!("{}({value}){}", &expression[..start], &expression[end..]);
                variants.push((format!("{group} made {value}"), whole));
            }
        }
    }
    variants.extend(with_one_role_less(expression));
    variants.extend(without_a_flag(expression));
    variants
}

/// The positions of each pair of parentheses.
fn groups(expression: &str) -> Vec<(usize, usize)> {
    let (mut open, mut groups) = (Vec::new(), Vec::new());
    for (at, sign) in expression.char_indices() {
        match sign {
            '(' => open.push(at),
            ')' => groups.extend(open.pop().map(|start| (start, at + 1))),
            _ => {}
        }
    }
    groups
}

/// A single comparison or test, not a combination.
fn is_condition(group: &str) -> bool {
    let question = ["provisions", "sees_all_rooms", "is_operator"]
        .iter()
        .any(|name| group == format!("( SELECT authz.{name}() AS {name})"));
    let combined = group.contains(" AND ") || group.contains(" OR ");
    let compares =
        [" = ", " IN ", " <> ", " IS NOT NULL", " IS NULL"].iter().any(|sign| group.contains(sign));
    question || (compares && !combined && !group.starts_with("( SELECT"))
}

/// A boolean column as a condition has no parentheses: `((… = …) AND visible)`.
fn without_a_flag(expression: &str) -> Vec<(String, String)> {
    let mut variants = Vec::new();
    for (at, and) in expression.match_indices(" AND ") {
        let from = at + and.len();
        let Some(length) = expression[from..].find(')') else { continue };
        let flag = &expression[from..from + length];
        if flag.is_empty() || !flag.chars().all(|sign| sign.is_ascii_lowercase() || sign == '_') {
            continue;
        }
        for value in ["true", "false"] {
            let whole = format!("{}{value}{}", &expression[..from], &expression[from + length..]);
            variants.push((format!("{flag} made {value}"), whole));
        }
    }
    variants
}

fn with_one_role_less(expression: &str) -> Vec<(String, String)> {
    let mut variants = Vec::new();
    for (start, _) in expression.match_indices("ARRAY[") {
        let from = start + "ARRAY[".len();
        let Some(length) = expression[from..].find(']') else { continue };
        let roles: Vec<&str> = expression[from..from + length].split(", ").collect();
        for left_out in &roles {
            let rest: Vec<&str> = roles.iter().filter(|role| *role != left_out).copied().collect();
            let whole = format!("{}{}{}", &expression[..from], rest.join(", "), &expression[from + length..]);
            variants.push((format!("{left_out} left out"), whole));
        }
    }
    variants
}
