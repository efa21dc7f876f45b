#!/usr/bin/env python3
"""Prints 240 varied strings as a JSON list: what a tokenizer can get wrong.

Languages and scripts, white space of every kind, numbers, contractions, code, emoji with joiners, combining marks, special tokens inside of
text, control characters, and random mixtures (fixed seed).

usage: tokenizer_strings.py > strings.json
"""
import json
import random

FIXED = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n", "\n ", "a", "A", ".", "0", "é", "中", "😀",
    "Hello world", " Hello world", "Hello  world", "Hello world ", "hello WORLD HeLLo", "The quick brown fox jumps over the lazy dog.",
    "What is the capital of France?", "I'm you're he'll they'd we've it's DON'T I'LL", "’tis the season, isn’t it?", "'s 't 're 've 'm 'll 'd",
    "1", "12", "123", "1234567890", "3.14159", "1,000,000", "-42", "1e-10", "0x1F", "²³¹", "Ⅷ ¾ ½", "٣٤٥ ४५६", "2024-02-30T23:59:59Z",
    "v1.2.3-rc.4+build5", "1st 2nd 3rd 4th", "a1b2c3", "x86_64 utf8 h264", "100%", "$5.00 €3,50 £2 ¥100",
    "    indented", "\tTabbed\ttext", "trailing   \n", "line one\nline two\r\nline three\rline four", "a\n\n\nb", "a \n \n b", " \t \n\t ",
    "non\u00a0breaking", "thin\u2009space", "zero\u200bwidth", "em\u2003space", "line\u2028separator", "ideographic\u3000space", "\u00a0", "\ufeffBOM",
    "soft\u00adhyphen", "\u0085next line", "vertical\u000btab form\u000cfeed",
    "don't stop", "rock 'n' roll", "O'Reilly's", "'quoted'", "\"double\" “curly” «guillemets»", "(a) [b] {c} <d>", "a/b\\c|d", "!@#$%^&*()_+-=",
    "...", "…", "?!?!", "--- *** ___", "======", "-----", "a--b—c–d", "http://example.com/path?q=1&r=2#frag", "user@example.org",
    "C:\\Users\\name", "/usr/local/bin:$PATH", "#hashtag @mention", "~tilde `tick`", "semi;colon:comma,period.", "under_score_name camelCaseName",
    "def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; ++i) { sum += a[i]; }", "public static void main(String[] args) {\n\tSystem.out.println(\"hi\");\n}",
    "SELECT * FROM t WHERE a >= 10 AND b <> 'x';", "<html><body class=\"c\">text</body></html>", "{\"key\": [1, 2.5, null, true]}",
    "if __name__ == '__main__':\n    main()", "λx.x → y ∀ ∃ ∈ ∑ √ ∞ ≠ ≤", "\\frac{a}{b} \\alpha $x^2$", "git commit -m \"fix: bug\" && git push",
    "            deep indentation", "x\n        y\n            z", "// comment\n/* block */", "#!/bin/sh\nset -e\n", "a = b if c else d  # note",
    "Füße über Straße", "naïve café résumé", "Ελληνικά γλώσσα", "Привет, как дела?", "Українська мова", "עברית שלום", "مرحبا بالعالم", "हिन्दी में पाठ",
    "বাংলা ভাষা", "ภาษาไทยไม่มีช่องว่าง", "Tiếng Việt có dấu", "日本語のテキストです。", "カタカナ ひらがな 漢字", "한국어 텍스트입니다", "中文文本，没有空格。", "繁體中文",
    "ქართული ენა", "Հայերեն", "አማርኛ", "ᏣᎳᎩ", "မြန်မာ", "ខ្មែរ", "Türkçe İstanbul ığ", "Ærøskøbing Åse", "Łódź żółw", "Ŝanĝo ĉiuĵaŭde", "Íslenska þæð",
    "e\u0301 vs é", "a\u0308o\u0308u\u0308", "Z\u0351\u036b\u0343a\u0322\u034fl\u0321g\u0330o", "ﬁ ﬂ ligatures", "ＦＵＬＬ　ｗｉｄｔｈ", "Å Å",
    "😀😃😄", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "I ❤️ you", "☃ ☂ ★", "🦙 llama", "emoji😀in😀words", "🤷🏻‍♀️ ok",
    "𝕳𝖊𝖑𝖑𝖔", "𐍈𐌰", "𒀀𒁀", "\U0001f600\U000e0067", "�", "\u0001\u0002\u001f", "\u007f", "null\u0000byte", "\u200e\u200f", "a\u0300\u0301\u0302",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "text<|im_end|>text", " <|im_end|> ",
    "<|im_start|><|im_start|>", "<repo_name>x<file_sep>y", "<|im_start", "im_end|>", "<|unknown|>", "<s>[INST] hi [/INST]</s>", "<empty_output>\n<jupyter_code>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "                                ", "\n\n\n\n\n\n\n\n\n\n", "abababababababab", "!!!!!!!!!!!!!!!!", "0000000000000000",
    "Supercalifragilisticexpialidocious", "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaft", "MMMMCMXCIX", "ThisIsCamelCase",
    "ALLCAPS lower Title", "mixed123text456", "e.g. i.e. etc. vs. Dr. U.S.A.", "A.B.C.", "T-shirt x-ray re-enter", "“Hello,” she said; ‘yes.’",
    "One. Two! Three? Four: five; six, seven — eight.", "tab\tseparated\tvalues", "a,b;c|d e", " leading", "trailing ", "  both  ", "new\nline", "\n\tmixed \n\t",
    "words   with    many     spaces", "3 + 4 = 7", "50°C ±2", "H₂O CO₂ x²", "©®™", "§ 5 Abs. 2", "№ 7", "¿Qué? ¡Sí!", "«Où?»", "1/2 cup", "5' 11\"",
    "Once upon a time, there was a little girl named Lily.", "To be, or not to be: that is the question.",
]

ALPHABETS = ["abcdefghijklmnopqrstuvwxyz", "ABCDEFXYZ", "0123456789", " ", " ", "\n\t", ".,;:!?'\"-()[]{}<>/\\|@#$%^&*_+=~`", "äöüßéèñçåøłž",
             "абвгдежз", "αβγδε", "你好世界中文", "かなカナ", "한국어", "אבג", "ابجد", "हिन्दी", "😀🎉👍🏽❤️🇩🇪", "\u200d\u0301\u00a0\u2003\u3000"]


def main():
    strings = list(dict.fromkeys(FIXED))
    source = random.Random(42)
    while len(strings) < 240:
        words = []
        for _ in range(source.randint(1, 12)):
            alphabet = source.choice(ALPHABETS)
            words.append("".join(source.choice(alphabet) for _ in range(source.randint(1, 7))))
        strings.append("".join(words))
    print(json.dumps(strings, ensure_ascii=False, indent=0))


if __name__ == "__main__":
    main()
