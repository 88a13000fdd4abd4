//! `openapi.yaml` matches the code, is complete, and its examples work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use guichet_base::Role;
use reqwest::Method;
use serde_json::Value;

use super::sample_records::{Caller, SampleRecords, token};
use super::shape;
use super::spec::{BASE, description, operations};
use crate::harness::TestServer;

#[test]
fn the_file_is_what_the_code_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let now = guichet::app::openapi::yaml().unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == now, "openapi.yaml is stale: run `make openapi`");
}

#[test]
fn every_operation_says_what_it_is_for_and_all_that_it_may_answer() {
    let mut wrong = Vec::new();
    let mut ids = BTreeSet::new();
    let api = description();
    let tags: BTreeSet<&str> =
        api["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    for operation in operations() {
        let mut lacks = |what: &str| wrong.push(format!("{}: {what}", operation.name()));
        let described = &operation.described;
        if described["summary"].as_str().is_none_or(str::is_empty) {
            lacks("no summary");
        }
        if !described["tags"]
            .as_array()
            .is_some_and(|list| list.iter().all(|tag| tags.contains(tag.as_str().unwrap())))
        {
            lacks("no tag, or one that nobody explained");
        }
        if !ids.insert(described["operationId"].to_string()) {
            lacks("an operationId that another has");
        }
        if described["security"].as_array().is_none_or(Vec::is_empty) {
            lacks("no security");
        }
        let answers = described["responses"].as_object().unwrap();
        let is_success = |(status, answer): (&String, &Value)| {
            status.starts_with('2')
                && answer["content"]["application/json"]["schema"]["properties"].get("data").is_some()
        };
        if !answers.iter().any(is_success) {
            lacks("no schema of a success");
        }
        let mut errors = vec!["400", "401", "403", "422", "429", "500", "503"];
        if operation.path.contains('{') {
            errors.push("404");
        }
        if operation.body().is_some() {
            errors.extend(["408", "413", "415"]);
        }
        for status in errors {
            if answers
                .get(status)
                .is_none_or(|answer| answer["description"].as_str().is_none_or(str::is_empty))
            {
                lacks(&format!("{status} is not explained"));
            }
        }
        for (status, answer) in answers.iter().filter(|(status, _)| !status.starts_with('2')) {
            if answer["content"]["application/json"]["schema"]["properties"].get("error").is_none() {
                lacks(&format!("{status} does not show the envelope"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Routes in the sources: `#[get("/conversations")]`.
fn written() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["src", "crates"] {
        gather(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(root), &mut found);
    }
    found
}

fn gather(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, into);
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some((method, rest)) =
                line.trim().strip_prefix("#[").and_then(|line| line.split_once("(\"/"))
            else {
                continue;
            };
            if matches!(method, "get" | "put" | "post" | "patch" | "delete") {
                let route = rest.split('"').next().unwrap_or_default();
                into.insert(format!("{} /{route}", method.to_ascii_uppercase()));
            }
        }
    }
}

#[test]
fn every_route_that_is_written_is_described_and_the_reverse() {
    let described: BTreeSet<String> = operations().iter().map(|operation| operation.name()).collect();
    assert_eq!(described, written());
}

/// Also proves that every described route exists, under both base paths.
#[tokio::test]
async fn every_documented_example_works_under_both_bases() {
    for base in [BASE, "/api"] {
        let server = TestServer::start();
        let at = |token: &str| {
            let caller = Caller::new(&server, token);
            Caller { base: format!("{}{base}", server.url), ..caller }
        };
        let service = at(&server.demo.service_token);
        let owner = at(&server.user("awa").token);
        let platform = at(&token(&server, "platform", "*", Role::Service));
        let (mut wrong, mut tried) = (Vec::new(), 0);
        for operation in operations() {
            let things = SampleRecords::make(&service, &owner, "example").await;
            let mut refusals = Vec::new();
            for caller in [&owner, &service, &platform] {
                let request = things.request_now(&operation, &owner).await;
                let answer = caller.send(&request).await;
                tried += 1;
                if !answer.status.is_success() {
                    refusals.push(format!("{} {}", answer.status, answer.body));
                    continue;
                }
                refusals.clear();
                let described = &operation.described["responses"][answer.status.as_str()];
                let schema = &described["content"]["application/json"]["schema"];
                if schema.is_null() {
                    wrong.push(format!(
                        "{} answers {}, which is not described",
                        operation.name(),
                        answer.status
                    ));
                }
                let faults = shape::faults(schema, &answer.body, "");
                wrong.extend(faults.iter().map(|fault| format!("{}: {fault}", operation.name())));
                break;
            }
            if !refusals.is_empty() {
                wrong.push(format!("{} works for nobody: {}", operation.name(), refusals.join(" | ")));
            }
        }
        println!("examples under {base}: {} operations, {tried} requests", operations().len());
        assert!(wrong.is_empty(), "under {base}:\n{}", wrong.join("\n"));
    }
}

#[tokio::test]
async fn the_service_shows_its_description_as_it_is_kept() {
    let server = TestServer::start();
    let answer =
        Caller::new(&server, "").http.request(Method::GET, format!("{}/openapi.yaml", server.url)).send();
    let text = answer.await.unwrap().text().await.unwrap();
    assert!(text == guichet::app::openapi::yaml().unwrap());
}
