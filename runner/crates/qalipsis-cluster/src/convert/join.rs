//! The figures of joins and their sources.

use super::common::{read_time, write_time};
use crate::wire::figures as wire;
use qalipsis_model::join::{Gap, JoinFigures, Notice};
use qalipsis_model::timestamp::Timestamp;

pub(super) fn write_join(index: u32, join: &JoinFigures) -> wire::JoinFigures {
    let gap = |gap: &Gap| wire::Gap {
        from_unix_ns: gap.from.0,
        to_unix_ns: write_time(gap.to),
        lossy: gap.lossy,
        cause: gap.cause.clone(),
    };
    let notice = |notice: &Notice| wire::Notice {
        count: notice.count,
        first_unix_ns: notice.first.0,
        last_unix_ns: notice.last.0,
        message: notice.message.clone(),
    };
    wire::JoinFigures {
        index,
        name: join.name.clone(),
        steps: join.steps.clone(),
        expected: join.expected,
        matched: join.matched,
        late: join.late,
        missing: join.missing,
        absent: join.absent,
        abandoned: join.abandoned,
        in_gap: join.in_gap,
        records: join.records,
        taken: join.taken,
        abandoned_records: join.abandoned_records,
        bytes: join.bytes,
        duplicates: join.duplicates,
        orphans: join.orphans,
        before_expected: join.before_expected,
        out_of_order: join.out_of_order,
        evicted: join.evicted,
        undecodable: join.undecodable,
        forgotten: join.forgotten,
        first_undecodable_unix_ns: write_time(join.first_undecodable),
        last_undecodable_unix_ns: write_time(join.last_undecodable),
        consumer_lag: join.consumer_lag,
        consumer_lag_max: join.consumer_lag_max,
        gaps: join.gaps.iter().map(gap).collect(),
        gaps_total: join.gaps_total,
        notices: join.notices.iter().map(|(code, one)| (code.clone(), notice(one))).collect(),
        failed: join.failed.clone(),
    }
}

pub(super) fn read_join(join: wire::JoinFigures) -> JoinFigures {
    let gap = |gap: wire::Gap| Gap {
        from: Timestamp(gap.from_unix_ns),
        to: read_time(gap.to_unix_ns),
        lossy: gap.lossy,
        cause: gap.cause,
    };
    let notice = |notice: wire::Notice| Notice {
        count: notice.count,
        first: Timestamp(notice.first_unix_ns),
        last: Timestamp(notice.last_unix_ns),
        message: notice.message,
    };
    JoinFigures {
        name: join.name,
        steps: join.steps,
        expected: join.expected,
        matched: join.matched,
        late: join.late,
        missing: join.missing,
        absent: join.absent,
        abandoned: join.abandoned,
        in_gap: join.in_gap,
        records: join.records,
        taken: join.taken,
        abandoned_records: join.abandoned_records,
        bytes: join.bytes,
        duplicates: join.duplicates,
        orphans: join.orphans,
        before_expected: join.before_expected,
        out_of_order: join.out_of_order,
        evicted: join.evicted,
        undecodable: join.undecodable,
        forgotten: join.forgotten,
        first_undecodable: read_time(join.first_undecodable_unix_ns),
        last_undecodable: read_time(join.last_undecodable_unix_ns),
        consumer_lag: join.consumer_lag,
        consumer_lag_max: join.consumer_lag_max,
        gaps: join.gaps.into_iter().map(gap).collect(),
        gaps_total: join.gaps_total,
        notices: join.notices.into_iter().map(|(code, one)| (code, notice(one))).collect(),
        failed: join.failed,
    }
}
