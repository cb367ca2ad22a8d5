"""What each check means and what each problem says, in Chinese and English, for people."""

from __future__ import annotations

MEANINGS = {
    "V0": (
        "文件齐全：每个文件的摘要与清单一致，不多不少",
        "Files: every file has the digest on the list; none is missing, none was added",
    ),
    "V1": (
        "日志签名：每个检查点由日志签署，并由足够多的不同共签人共签",
        "Signatures: the log signed every checkpoint and enough different cosigners stand behind it",
    ),
    "V2": (
        "日志只增不改：每个检查点都延续前一个，没有分叉",
        "Growth: every checkpoint continues the one before; the log was not forked or put back",
    ),
    "V3": (
        "记录在案：每条记录都在日志里，内容未变，公开的编号没有缺口",
        "Entries: every entry stands in the log as it is, and no number of a public stream is left out",
    ),
    "V4": (
        "时间：每份投标在截止前收妥，清单冻结前已入日志，截止时即冻结",
        "Time: every bid came before the deadline and was logged before the list was frozen, at the deadline",
    ),
    "V5": (
        "冻结清单：恰好是有效的投标，每家一份，一份不漏",
        "Frozen list: exactly the live bids, one a bidder, none left out",
    ),
    "V6": (
        "密封文件：由投标人签名，只对本标段有效，密文就是当时那一份",
        "Envelopes: signed by the bidder, bound to this lot, and the ciphertext is the one that was signed",
    ),
    "V7": (
        "密钥份额：与投标人截止前的承诺一致",
        "Shares: as the bidders committed to them before the deadline",
    ),
    "V8": (
        "启封密钥：属于公布的持钥人，能打开每一份启封份额",
        "Gate keys: of the holders that were published, and they open every gate share",
    ),
    "V9": (
        "唱标：解密出来的报价与唱标和开标记录相同",
        "Prices: what decrypts is what was read out and put on record",
    ),
    "V10": (
        "抽取：系数与评标专家按公布的材料重抽一遍，结果相同",
        "Draws: coefficients and experts drawn again from what was published, with the same result",
    ),
    "V11": (
        "先后：先冻结，再开窗，再启封，再抽取，最后才解密报价",
        "Order: freeze, window, gate keys, draws, and only then prices",
    ),
    "V12": (
        "薄弱之处：一人两职、密钥重用、信任要求过低（只提醒）",
        "Weaknesses: one in two roles, keys used twice, a policy that asks for little (warnings only)",
    ),
}

STATUSES = {
    "passed": ("一致", "holds"),
    "warning": ("一致，有提醒", "holds, with a warning"),
    "failed": ("不一致", "does not hold"),
    "not_checked": ("未能核对", "not checked"),
}

VERDICTS = {
    "verified": ("一致：数据包经得起全部核对", "Verified: the bundle holds under every check"),
    "failed": (
        "不一致：下列核对不成立，请保留文件并告知监督部门",
        "Does not verify: keep the files and tell the supervisor",
    ),
    "incomplete": (
        "没有发现不一致，但有的项目这台机器核对不了",
        "Nothing failed, but something could not be checked on this machine",
    ),
}

GROUPS = {
    "files": ("文件缺少、多出或被改动", "A file is missing, was added or was changed"),
    "format": ("内容不合格式", "The content is not in its format"),
    "tier": ("公开与监督两种数据包的界限", "What belongs to the public and to the regulator's tier"),
    "tender": ("标段信息与日志不符", "What is said of the lot differs from the log"),
    "policy": ("信任策略", "The trust policy"),
    "log": ("日志的签名、延续或存证证明不成立", "A signature, the growth or a proof of the log does not hold"),
    "leaf": ("日志记录缺少、重复、错位或不属于本标段", "An entry is missing, doubled, misplaced or of another lot"),
    "deadline": ("截止时间前后不一", "The deadline is not told the same everywhere"),
    "time": ("时间", "Time"),
    "freeze": ("冻结清单与日志不符，或冻结的时间不对", "The frozen list differs from the log, or its time is wrong"),
    "list": ("公布的投标人名单与冻结清单不符", "The published list differs from the frozen one"),
    "bid": ("投标文件的签名、绑定或版次不成立", "Signature, binding or revisions of a bid do not hold"),
    "part": ("密文与签名时不同，或不能解密", "A ciphertext is not the signed one, or does not decrypt"),
    "share": ("密钥份额与承诺不符", "A share differs from its commitment"),
    "keyset": ("密钥集", "The key set"),
    "gate": ("启封密钥或启封份额不成立", "A gate key or a gate share does not hold"),
    "record": ("开标记录与日志不符", "The opening record differs from the log"),
    "window": ("解密窗口的结果与日志不符", "The outcome of the window differs from the log"),
    "price": ("报价", "Prices"),
    "draw": ("抽取重做不出公布的结果", "A draw cannot be redone from what was published"),
    "stamp": ("外部时间戳", "The outside time stamp"),
    "order": ("先后次序不对", "The order of events is wrong"),
}
"""Of each code the word before the dot."""

PROBLEMS = {
    "files.zip": ("不是本格式的压缩包，或已被改动", "Not a zip of the fixed form, or it was changed"),
    "files.digest": ("文件内容与清单上的摘要不同", "The file differs from its digest on the list"),
    "files.missing": ("缺少文件", "A file is missing"),
    "files.unlisted": ("多出清单上没有的文件", "A file is there that the list does not name"),
    "policy.not_pinned": (
        "用的是数据包自带的信任策略；请与别处公布的比对",
        "The bundle's own policy was used; compare it with a copy from elsewhere",
    ),
    "policy.differs": ("数据包自带的信任策略与您信任的不同", "The bundle's policy is not the one you trust"),
    "policy.no_quorum": ("信任策略不要求任何共签人", "The policy asks for no cosigner"),
    "policy.one_cosigner": ("只有一个共签人", "There is one cosigner only"),
    "policy.log_cosigns_itself": ("共签人用的是日志自己的密钥", "A cosigner holds the log's own key"),
    "log.signature": ("日志或共签人的签名不成立", "A signature of the log or of a cosigner does not hold"),
    "log.quorum": ("共签人不够（同一把密钥只算一次）", "Too few cosigners (one key counts once)"),
    "log.empty": ("空日志的检查点什么也证明不了", "A checkpoint of an empty log proves nothing"),
    "log.consistency": ("日志不是前一个的延续：分叉或倒退", "The log does not continue: it was forked or put back"),
    "log.inclusion": ("存证证明不成立：记录不在日志的这个位置", "The entry does not stand at this place of the log"),
    "log.unblinding": ("解盲证明不成立", "The unblinding does not lead to the tick"),
    "log.unneeded": ("检查点没有理由在数据包里", "A checkpoint has no reason to be in the bundle"),
    "leaf.stream": ("公开编号有缺口或重复：记录被抽走或添加", "Numbers of a stream have a gap or repeat"),
    "leaf.twice": ("同一件事记了两次", "The same thing is told twice"),
    "leaf.missing": ("缺少应有的记录", "An entry that has to be there is missing"),
    "bid.late": ("投标在截止之后才收到", "The bid came after the deadline"),
    "bid.signature": ("不是投标人的签名", "Not the bidder's signature"),
    "bid.copied": ("照抄了别人的密封文件", "Copied from another bid"),
    "freeze.late_bid": ("冻结之后才进日志的投标", "A bid that was logged after the freeze"),
    "freeze.dropped": ("有效投标没有列入冻结清单", "A live bid was left out of the frozen list"),
    "freeze.late": ("冻结太晚", "The list was frozen too late"),
    "freeze.delayed": (
        "冻结晚于公告的宽限：平台原因，已记录在案；每份投标都在宽限内有共签",
        "The freeze took longer than published: the platform's delay, on record; every bid was cosigned in time",
    ),
    "freeze.grace": ("公告的宽限不在允许的范围内", "The published grace is out of bounds"),
    "freeze.early": ("冻结早于截止", "The list was frozen before the deadline"),
    "time.demo": ("演示时钟：时间不作证明", "Demo clock: times prove nothing"),
    "time.no_quorum": ("没有共签人，时间无从证明", "Without a cosigner no time is proven"),
    "stamp.form": ("时间戳文件不是一份时间戳响应", "The file is not a time stamp response"),
    "stamp.checkpoint": (
        "时间戳不属于含冻结清单的检查点",
        "The stamp is not of a checkpoint that covers the frozen list",
    ),
    "stamp.false": ("时间戳的签名不成立", "The time stamp's signature does not hold"),
    "stamp.early": ("时间戳早于截止", "The time stamp is older than the deadline"),
    "stamp.time": ("外部时间戳所述的时间", "The time an outside authority states"),
    "tier.secret": ("公开数据包里不该有投标人的密钥份额", "A bidder's half must not be in the public tier"),
    "tier.public": (
        "公开数据包不含投标人的密钥份额，这一半由监督数据包核对",
        "The public tier holds no bidder's half; the regulator's tier compares them",
    ),
    "price.differs": ("解密出来的报价与公布的不同", "The price that decrypts is not the one published"),
    "price.unreadable": ("这份投标未能解读，开标时已记录原因", "This bid could not be read; the record says why"),
    "order.not_cosigned": ("前一步还没有共签，后一步就发生了", "The step before had not been cosigned yet"),
    "order.too_few": ("不足法定或公告的份数，本不该启封", "Too few bids: no gate key should have followed"),
    "order.minimum": ("窗口关闭时所用的最少份数与公告不同", "The minimum at the closing is not the published one"),
    "order.wrong": ("先后颠倒", "The order is reversed"),
    "draw.beacon": (
        "公共随机数不符合公告、轮次或签名",
        "The beacon is not the announced one, its round or its signature fails",
    ),
    "draw.result": ("重抽的结果不同", "The draw gives another result"),
    "draw.twice": ("同一项抽了两次", "The same thing was drawn twice"),
    "draw.redrawn": ("还有号没用完就重抽了", "Drawn anew before every ticket was spent"),
}

LIMITS = (
    (
        "核对不能证明：没有拿到回执的人未被拒收；数据包做出之后又发生了什么；专家、持钥人彼此独立；报价是投标人的本意。",
        (
            "Not proven: that a bidder without a receipt was not refused; what happened after the bundle was made; "
            "that holders and experts are independent; that a price is what its bidder meant."
        ),
    ),
)


def sentence_of(code: str) -> tuple[str, str]:
    """Chinese and English for a problem's code; the sentence of its group where it has none of its own."""
    return PROBLEMS.get(code) or GROUPS.get(code.partition(".")[0], (code, code))
