//! `date_time`: the host's clock in all the forms that playbooks use.

use serde_json::{Map, Value, json};

use super::put;
use crate::host::Host;
use crate::time::{stamp, zoned};

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) {
    let now = host.now();
    let utc = zoned(now).with_time_zone(jiff::tz::TimeZone::UTC);
    let local = |format: &str| stamp(now, format);
    let whole = now as i64;
    put(
        facts,
        "date_time",
        json!({
            "year": local("%Y"), "month": local("%m"), "day": local("%d"),
            "hour": local("%H"), "minute": local("%M"), "second": local("%S"),
            "weekday": local("%A"), "weekday_number": local("%w"), "weeknumber": local("%W"),
            "date": local("%Y-%m-%d"), "time": local("%H:%M:%S"),
            "epoch": whole.to_string(), "epoch_int": whole.to_string(),
            "iso8601": utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "iso8601_micro": utc.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            "iso8601_basic": local("%Y%m%dT%H%M%S%6f"),
            "iso8601_basic_short": local("%Y%m%dT%H%M%S"),
            "tz": local("%Z"), "tz_dst": local("%Z"), "tz_offset": local("%z"),
        }),
    );
}
