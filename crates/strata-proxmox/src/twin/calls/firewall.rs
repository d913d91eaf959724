//! Firewalls of the cluster, nodes and guests: rules, options, aliases, IP sets, groups.

use serde_json::{Value as Json, json};

use super::super::{
    answer::{Answer, Answered, Refusal, data, fail, null, wrong},
    api,
    call::Call,
    store::{Firewall, IpSet, Settings, Store, digest, typed},
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let (before, rest) = call.method.path.split_once("/firewall")?;
    if let Some(rest) = rest.strip_prefix("/groups") {
        return groups(store, call, rest);
    }
    let scope = match before {
        "/cluster" => "cluster".to_owned(),
        "/nodes/{node}" => format!("node/{}", call.node()),
        "/nodes/{node}/qemu/{vmid}" | "/nodes/{node}/lxc/{vmid}" => {
            format!("guest/{}", call.vmid())
        }
        _ => return None,
    };
    let verb = call.method.verb.as_str();
    Some(match (verb, rest) {
        ("GET", "/rules") => rules(store, &scope),
        ("POST", "/rules") => add_rule(store, call, &scope),
        ("GET", "/rules/{pos}") => rule(store, call, &scope),
        ("PUT", "/rules/{pos}") => change_rule(store, call, &scope),
        ("DELETE", "/rules/{pos}") => delete_rule(store, call, &scope),
        ("GET", "/options") => options(store, call, &scope),
        ("PUT", "/options") => change_options(store, call, &scope),
        ("GET", "/aliases") => aliases(store, &scope),
        ("POST", "/aliases") => add_alias(store, call, &scope),
        ("GET", "/aliases/{name}") => alias(store, call, &scope),
        ("PUT", "/aliases/{name}") => change_alias(store, call, &scope),
        ("DELETE", "/aliases/{name}") => delete_alias(store, call, &scope),
        ("GET", "/ipset") => ipsets(store, &scope),
        ("POST", "/ipset") => add_ipset(store, call, &scope),
        ("GET", "/ipset/{name}") => members(store, call, &scope),
        ("POST", "/ipset/{name}") => add_member(store, call, &scope),
        ("DELETE", "/ipset/{name}") => delete_ipset(store, call, &scope),
        ("GET", "/ipset/{name}/{cidr}") => member(store, call, &scope),
        ("PUT", "/ipset/{name}/{cidr}") => change_member(store, call, &scope),
        ("DELETE", "/ipset/{name}/{cidr}") => delete_member(store, call, &scope),
        ("GET", "/refs") => refs(store, call, &scope),
        ("GET", "/macros") => data(
            MACROS
                .iter()
                .map(|name| json!({ "macro": name, "descr": name }))
                .collect(),
        ),
        ("GET", "/log") => Ok(Answer::With(
            json!([{ "n": 1, "t": "unable to open file - No such file or directory" }]),
            vec![("total", json!(1))],
        )),
        _ => return None,
    })
}

/// The most used macros; a rule with another is refused.
const MACROS: [&str; 24] = [
    "HTTP",
    "HTTPS",
    "SSH",
    "DNS",
    "Ping",
    "SMTP",
    "SMTPS",
    "IMAP",
    "IMAPS",
    "POP3",
    "FTP",
    "NTP",
    "SMB",
    "MySQL",
    "PostgreSQL",
    "Telnet",
    "VNC",
    "RDP",
    "LDAP",
    "LDAPS",
    "SNMP",
    "Syslog",
    "Web",
    "ICMPv6",
];

const CONFLICT: &str = "detected modified configuration - file changed by other user? Try again.";

fn firewall<'a>(store: &'a mut Store, scope: &str) -> &'a mut Firewall {
    store.firewalls.entry(scope.to_owned()).or_default()
}

/// The digest of a list; that of nothing if it is empty.
fn list_digest(value: &Json, empty: bool) -> String {
    match empty {
        true => "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
        false => digest(value),
    }
}

fn check_digest(call: &Call, now: &str) -> Result<(), Refusal> {
    match call.text("digest") {
        Some(digest) if digest != now => fail(CONFLICT),
        _ => Ok(()),
    }
}

fn shown_rule(rule: &Settings, at: usize, digest: &str) -> Json {
    let facts = api::parameters("POST", "/cluster/firewall/rules");
    let mut shown = typed(facts, rule);
    shown.remove("pos");
    if let Some(family) = rule
        .get("source")
        .or_else(|| rule.get("dest"))
        .and_then(|text| family(text))
    {
        shown.insert("ipversion".to_owned(), json!(family));
    } else if rule.get("proto").is_some_and(|proto| proto == "icmp") {
        shown.insert("ipversion".to_owned(), json!(4));
    }
    shown.insert("pos".to_owned(), json!(at));
    shown.insert("digest".to_owned(), json!(digest));
    Json::Object(shown)
}

fn family(text: &str) -> Option<u8> {
    let first = text.split([',', '-', '/']).next()?;
    let address: std::net::IpAddr = first.parse().ok()?;
    Some(if address.is_ipv4() { 4 } else { 6 })
}

fn rules_digest(firewall: &Firewall) -> String {
    list_digest(&json!(firewall.rules), firewall.rules.is_empty())
}

fn rules(store: &mut Store, scope: &str) -> Answered {
    let all = firewall(store, scope).clone();
    let digest = rules_digest(&all);
    let rows = all.rules.iter().enumerate().map(|(at, rule)| {
        let mut row = shown_rule(rule, at, &digest);
        // A rule may outlive what it names.
        let errors: serde_json::Map<String, Json> = ["source", "dest"]
            .iter()
            .filter_map(|name| {
                let refusal = address(store, scope, name, rule.get(*name)?).err()?;
                Some(((*name).to_owned(), json!(refusal.errors.get(*name)?)))
            })
            .collect();
        if !errors.is_empty() {
            row["errors"] = Json::Object(errors);
        }
        row
    });
    data(rows.collect())
}

fn position(call: &Call, firewall: &Firewall) -> Result<usize, Refusal> {
    let text = call.need("pos");
    let at = text.parse().ok().filter(|at| *at < firewall.rules.len());
    at.ok_or_else(|| Refusal::fail(format!("no rule at position {text}")))
}

fn rule(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let at = position(call, firewall)?;
    let mut shown = shown_rule(&firewall.rules[at], at, &rules_digest(firewall));
    shown["pos"] = json!(at.to_string());
    data(shown)
}

fn check_rule(store: &Store, rule: &Settings, scope: &str) -> Result<(), Refusal> {
    if scope.starts_with("guest/") {
        let device = |name: &String| {
            name.strip_prefix("net")
                .is_some_and(|number| number.parse::<u8>().is_ok())
        };
        if rule.get("iface").is_some_and(|name| !device(name)) {
            return wrong("iface", "value does not match the regex pattern 'net\\d+'");
        }
        if rule.get("type").is_some_and(|kind| kind == "forward") {
            return wrong("type", "invalid rule type 'forward' for rule_env 'vm'");
        }
    }
    if let Some(name) = rule.get("macro") {
        if !MACROS.contains(&name.as_str()) {
            return wrong("macro", format!("unknown macro '{name}'"));
        }
        if rule.contains_key("dport") {
            return wrong(
                "dport",
                "parameter 'dport' already define in macro (value = '80')",
            );
        }
    }
    for name in ["dport", "sport"] {
        let Some(text) = rule.get(name) else {
            continue;
        };
        for port in text.split([',', ':']) {
            if port.parse::<u64>().is_ok_and(|port| port > 65535) {
                return wrong(name, format!("invalid format - invalid port '{port}'\n"));
            }
        }
        if !rule.contains_key("proto") {
            return wrong(
                "proto",
                format!("missing property - '{name}' requires this property"),
            );
        }
    }
    for name in ["source", "dest"] {
        if let Some(text) = rule.get(name) {
            address(store, scope, name, text)?;
        }
    }
    Ok(())
}

fn address(store: &Store, scope: &str, name: &str, text: &str) -> Result<(), Refusal> {
    let (scopes, bare): (&[&str], &str) = match text.split_once('/') {
        Some(("dc", rest)) => (&["cluster"], rest),
        Some(("guest", rest)) => (&[scope], rest),
        _ if text.starts_with("+dc/") => (&["cluster"], &text[4..]),
        _ => (&[scope, "cluster"], text),
    };
    let whole = text;
    let known = |found: &dyn Fn(&Firewall) -> bool| {
        scopes
            .iter()
            .any(|scope| store.firewalls.get(*scope).is_some_and(found))
    };
    if let Some(set) = text.strip_prefix('+') {
        let set = set
            .strip_prefix("dc/")
            .or_else(|| set.strip_prefix("guest/"))
            .unwrap_or(set);
        return match known(&|firewall| firewall.ipsets.contains_key(set)) || set.starts_with("sdn/")
        {
            true => Ok(()),
            false => wrong(name, format!("no such ipset '{set}'")),
        };
    }
    if !bare.starts_with(|c: char| c.is_ascii_alphabetic()) || bare.contains(':') {
        return Ok(());
    }
    match known(&|firewall| firewall.aliases.contains_key(&bare.to_lowercase())) {
        true => Ok(()),
        false => wrong(name, format!("no such alias '{whole}'")),
    }
}

const RULE_CONTROL: [&str; 8] = [
    "node", "vmid", "group", "pos", "digest", "delete", "moveto", "name",
];

fn add_rule(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let mut rule = call.rest(&RULE_CONTROL);
    check_rule(store, &rule, scope)?;
    rule.entry("enable".to_owned())
        .or_insert_with(|| "0".to_owned());
    let firewall = firewall(store, scope);
    check_digest(call, &rules_digest(firewall))?;
    // A new rule comes first, wherever it is asked for.
    firewall.rules.insert(0, rule);
    null()
}

fn change_rule(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let known = firewall(store, scope);
    let at = position(call, known)?;
    check_digest(call, &rules_digest(known))?;
    let mut changed = known.rules[at].clone();
    for gone in call.list("delete") {
        changed.remove(&gone);
    }
    changed.extend(call.rest(&RULE_CONTROL));
    check_rule(store, &changed, scope)?;
    let firewall = firewall(store, scope);
    match call
        .number("moveto")
        .and_then(|to| usize::try_from(to).ok())
    {
        Some(to) => {
            let rule = firewall.rules.remove(at);
            let to = if to > at { to - 1 } else { to };
            firewall.rules.insert(to.min(firewall.rules.len()), rule);
        }
        None => firewall.rules[at] = changed,
    }
    null()
}

fn delete_rule(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let at = position(call, firewall)?;
    check_digest(call, &rules_digest(firewall))?;
    firewall.rules.remove(at);
    null()
}

fn options(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let path = call.method.path.as_str();
    let mut shown = typed(api::parameters("PUT", path), &firewall.options);
    let digest = list_digest(&json!(firewall.options), firewall.options.is_empty());
    shown.insert("digest".to_owned(), json!(digest));
    data(Json::Object(shown))
}

fn change_options(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let digest = list_digest(&json!(firewall.options), firewall.options.is_empty());
    check_digest(call, &digest)?;
    for gone in call.list("delete") {
        if !call.method.parameters.contains_key(&gone) {
            return wrong("delete", format!("no such option '{gone}'"));
        }
        firewall.options.remove(&gone);
    }
    firewall
        .options
        .extend(call.rest(&["node", "vmid", "digest", "delete"]));
    null()
}

fn named_digest<T: serde::Serialize>(all: &std::collections::BTreeMap<String, T>) -> String {
    list_digest(&json!(all), all.is_empty())
}

fn shown_alias(alias: &Settings, digest: &str) -> Json {
    let mut shown = json!(alias);
    let family = alias.get("cidr").and_then(|cidr| family(cidr)).unwrap_or(4);
    shown["ipversion"] = json!(family);
    shown["digest"] = json!(digest);
    shown
}

fn aliases(store: &mut Store, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let digest = named_digest(&firewall.aliases);
    data(
        firewall
            .aliases
            .values()
            .map(|alias| shown_alias(alias, &digest))
            .collect(),
    )
}

fn add_alias(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let name = call.need("name").to_lowercase();
    if firewall.aliases.contains_key(&name) {
        return wrong(
            "name",
            format!("alias '{}' already exists", call.need("name")),
        );
    }
    firewall.aliases.insert(name, call.rest(&["node", "vmid"]));
    null()
}

fn find_alias<'a>(firewall: &'a Firewall, call: &Call) -> Result<&'a Settings, Refusal> {
    let found = firewall.aliases.get(&call.need("name").to_lowercase());
    found.ok_or_else(|| Refusal::parameter("name", "no such alias"))
}

fn alias(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let mut shown = shown_alias(find_alias(firewall, call)?, "");
    shown
        .as_object_mut()
        .expect("an alias is an object")
        .remove("digest");
    data(shown)
}

fn change_alias(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let mut alias = find_alias(firewall, call)?.clone();
    check_digest(call, &named_digest(&firewall.aliases))?;
    // What is not sent is gone.
    alias.remove("comment");
    alias.extend(call.rest(&["node", "vmid", "name", "rename", "digest"]));
    let old = call.need("name").to_lowercase();
    let name = call.text("rename").unwrap_or(call.need("name")).to_owned();
    alias.insert("name".to_owned(), name.clone());
    firewall.aliases.remove(&old);
    firewall.aliases.insert(name.to_lowercase(), alias);
    null()
}

fn delete_alias(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    check_digest(call, &named_digest(&firewall.aliases))?;
    // One that is not there is gone already.
    firewall.aliases.remove(&call.need("name").to_lowercase());
    null()
}

fn ipsets(store: &mut Store, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let digest = named_digest(&firewall.ipsets);
    let rows = firewall.ipsets.iter().map(|(name, set)| {
        let mut row = json!({ "name": name, "digest": digest });
        if let Some(comment) = &set.comment {
            row["comment"] = json!(comment);
        }
        row
    });
    data(rows.collect())
}

fn add_ipset(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let name = call.need("name").to_owned();
    let comment = call.text("comment").map(str::to_owned);
    if let Some(old) = call.text("rename") {
        let Some(mut set) = firewall.ipsets.remove(old) else {
            return wrong("name", format!("IPSet '{old}' does not exist"));
        };
        set.comment = comment.or(set.comment);
        firewall.ipsets.insert(name, set);
        return null();
    }
    if firewall.ipsets.contains_key(&name) {
        return wrong("name", format!("IPSet '{name}' already exists"));
    }
    firewall.ipsets.insert(
        name,
        IpSet {
            comment,
            ..IpSet::default()
        },
    );
    null()
}

fn set<'a>(firewall: &'a mut Firewall, call: &Call) -> Result<&'a mut IpSet, Refusal> {
    let name = call.need("name");
    let found = firewall.ipsets.get_mut(name);
    found.ok_or_else(|| Refusal::fail(format!("no such IPSet '{name}'")))
}

fn shown_member(member: &Settings, digest: &str) -> Json {
    let mut shown = json!(member);
    if member.get("nomatch").is_some_and(|text| text == "1") {
        shown["nomatch"] = json!(1);
    }
    shown["digest"] = json!(digest);
    shown
}

fn members(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let set = set(firewall(store, scope), call)?;
    let digest = list_digest(&json!(set.members), set.members.is_empty());
    data(
        set.members
            .iter()
            .map(|member| shown_member(member, &digest))
            .collect(),
    )
}

fn at(set: &IpSet, cidr: &str) -> Option<usize> {
    set.members
        .iter()
        .position(|member| member.get("cidr").is_some_and(|own| own == cidr))
}

fn add_member(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let cidr = call.need("cidr").to_owned();
    if cidr.starts_with(|c: char| c.is_ascii_alphabetic()) && !cidr.contains(':') {
        address(store, scope, "cidr", &cidr)
            .map_err(|refusal| Refusal::fail(refusal.errors["cidr"].clone()))?;
    }
    let set = set(firewall(store, scope), call)?;
    if at(set, &cidr).is_some() {
        return wrong("cidr", format!("address '{cidr}' already exists"));
    }
    let mut member = call.rest(&["node", "vmid", "name"]);
    member.retain(|name, text| !(name == "nomatch" && text == "0"));
    set.members.insert(0, member);
    null()
}

fn member(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let set = set(firewall(store, scope), call)?;
    let digest = list_digest(&json!(set.members), set.members.is_empty());
    match at(set, call.need("cidr")) {
        Some(at) => data(shown_member(&set.members[at], &digest)),
        None => wrong("cidr", "no such IP/Network"),
    }
}

fn change_member(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let set = set(firewall(store, scope), call)?;
    let Some(at) = at(set, call.need("cidr")) else {
        return wrong("cidr", "no such IP/Network");
    };
    let member = &mut set.members[at];
    member.extend(call.rest(&["node", "vmid", "name", "cidr", "digest"]));
    member.retain(|name, text| !(name == "nomatch" && text == "0"));
    null()
}

fn delete_member(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let set = set(firewall(store, scope), call)?;
    if let Some(at) = at(set, call.need("cidr")) {
        set.members.remove(at);
    }
    null()
}

fn delete_ipset(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let firewall = firewall(store, scope);
    let name = call.need("name");
    let filled = firewall
        .ipsets
        .get(name)
        .is_some_and(|set| !set.members.is_empty());
    if filled && !call.flag("force") {
        return fail(format!("IPSet '{name}' is not empty"));
    }
    firewall.ipsets.remove(name);
    null()
}

fn refs(store: &mut Store, call: &Call, scope: &str) -> Answered {
    let mut rows = Vec::new();
    let wanted = |kind: &str| call.text("type").is_none_or(|only| only == kind);
    let scopes: Vec<(&str, &str)> = match scope {
        "cluster" => vec![("cluster", "dc")],
        scope => vec![("cluster", "dc"), (scope, "guest")],
    };
    for (scope, prefix) in scopes {
        let firewall = firewall(store, scope);
        for (name, alias) in firewall.aliases.iter().filter(|_| wanted("alias")) {
            let mut row = json!({ "type": "alias", "name": name, "ref": name, "scope": prefix });
            if let Some(comment) = alias.get("comment") {
                row["comment"] = json!(comment);
            }
            rows.push(row);
        }
        for (name, set) in firewall.ipsets.iter().filter(|_| wanted("ipset")) {
            let mut row = json!({ "type": "ipset", "name": name, "ref": format!("+{name}"), "scope": prefix });
            if let Some(comment) = &set.comment {
                row["comment"] = json!(comment);
            }
            rows.push(row);
        }
    }
    data(Json::Array(rows))
}

fn groups(store: &mut Store, call: &Call, rest: &str) -> Option<Answered> {
    let name = call.need("group").to_owned();
    let scope = format!("group/{name}");
    Some(match (call.method.verb.as_str(), rest) {
        ("GET", "") => {
            let all: Vec<(String, Option<String>)> = store
                .firewalls
                .iter()
                .filter_map(|(scope, firewall)| {
                    Some((
                        scope.strip_prefix("group/")?.to_owned(),
                        firewall.comment.clone(),
                    ))
                })
                .collect();
            let digest = list_digest(&json!(all), all.is_empty());
            let rows = all.iter().map(|(name, comment)| {
                let mut row = json!({ "group": name, "digest": digest });
                if let Some(comment) = comment {
                    row["comment"] = json!(comment);
                }
                row
            });
            data(rows.collect())
        }
        ("POST", "") => add_group(store, call),
        ("DELETE", "/{group}") => delete_group(store, &name),
        _ if !store.firewalls.contains_key(&scope) => {
            fail(format!("no such security group '{name}'"))
        }
        ("GET", "/{group}") => rules(store, &scope),
        ("POST", "/{group}") => add_rule(store, call, &scope),
        ("GET", "/{group}/{pos}") => rule(store, call, &scope),
        ("PUT", "/{group}/{pos}") => change_rule(store, call, &scope),
        ("DELETE", "/{group}/{pos}") => delete_rule(store, call, &scope),
        _ => return None,
    })
}

fn add_group(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("group");
    let comment = call.text("comment").map(str::to_owned);
    if let Some(old) = call.text("rename") {
        let Some(mut group) = store.firewalls.remove(&format!("group/{old}")) else {
            return wrong("group", format!("Security group '{old}' does not exist"));
        };
        group.comment = comment.or(group.comment);
        store.firewalls.insert(format!("group/{name}"), group);
        return null();
    }
    if store.firewalls.contains_key(&format!("group/{name}")) {
        return wrong("group", format!("Security group '{name}' already exists"));
    }
    store.firewalls.insert(
        format!("group/{name}"),
        Firewall {
            comment,
            ..Firewall::default()
        },
    );
    null()
}

fn delete_group(store: &mut Store, name: &str) -> Answered {
    let scope = format!("group/{name}");
    let Some(group) = store.firewalls.get(&scope) else {
        return fail(format!("no such security group '{name}'"));
    };
    if !group.rules.is_empty() {
        return fail(format!("Security group '{name}' is not empty"));
    }
    store.firewalls.remove(&scope);
    null()
}
