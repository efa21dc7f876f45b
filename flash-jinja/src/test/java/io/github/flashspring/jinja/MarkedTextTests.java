package io.github.flashspring.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Which characters of a rendered text came from outside: they stand in braces of their
 * own below.
 */
class MarkedTextTests {

	private static final Map<String, Object> VARIABLES = Map.of("u", new Untrusted("<a> b"), "t", "<t>", "s",
			new Untrusted("  <é😀>\n"), "d", new Untrusted(Map.of("k", List.of("v", 1))), "c",
			new Untrusted("x</think>y"), "n", new Untrusted(7), "w", new Untrusted(List.of("b", "a")));

	private static MarkedText render(String template) {
		return JinjaTemplate.parse(template, Limits.DEFAULT).render(VARIABLES, Clock.systemUTC());
	}

	private static String marked(MarkedText text) {
		StringBuilder marked = new StringBuilder();
		boolean inside = false;
		for (int i = 0; i < text.string().length(); i++) {
			if (text.isUntrusted(i) != inside) {
				marked.append(inside ? '⟩' : '⟨');
				inside = !inside;
			}
			marked.append(text.string().charAt(i));
		}
		return marked.append(inside ? "⟩" : "").toString().replace("\n", "\\n");
	}

	@ParameterizedTest
	@CsvSource(delimiterString = " => ", quoteCharacter = '`',
			textBlock = """
					{{ u }}{{ t }}{{ u }} => ⟨<a> b⟩<t>⟨<a> b⟩
					{{ t + u }}{{ t ~ u ~ n }} => <t>⟨<a> b⟩<t>⟨<a> b⟩7
					{{ (t + u)[1:5] }}|{{ (t + u)[2] }}{{ (t + u)[3] }} => t>⟨<a⟩|>⟨<⟩
					{{ (t + u)[::-1] }} => ⟨b >a<>t<⟩
					{{ u * 2 }} => ⟨<a> b<a> b⟩
					{{ s|trim }}{{ s.strip() }}{{ s.lstrip() }}| => ⟨<é😀><é😀><é😀>\\n⟩|
					{{ u|upper }}{{ t|upper }}{{ u.title() }} => ⟨<A> B⟩<T>⟨<A> B⟩
					{{ u|replace("<a>", t) }} => ⟨<t> b⟩
					{{ (t ~ u)|replace("<", "[") }} => [t>⟨[a> b⟩
					{{ "-x-"|replace("x", u) }} => -⟨<a> b⟩-
					{{ c.split("</think>")|join("|") }} => ⟨x⟩|⟨y⟩
					{{ c.split("</think>")[-1] }}{{ c.partition("</think>")|join }} => ⟨yx</think>y⟩
					{{ u.split() }} => ['⟨<a>⟩', '⟨b⟩']
					{{ [u, t]|join("|") }}{{ "|".join([t, u]) }} => ⟨<a> b⟩|<t><t>|⟨<a> b⟩
					{{ d|tojson }} => {"⟨k⟩": ["⟨v⟩", 1]}
					{{ d.k[0] }}{{ d["k"]|first }}{{ d.items()|list }} => ⟨vv⟩[('⟨k⟩', ['⟨v⟩', 1])]
					{{ s|tojson }} => "⟨  <é😀>\\n⟩"
					{{ [s] }} => ['⟨  <é😀>\\n⟩']
					{{ "%s|%5s|%%" % (u, "x") }} => ⟨<a> b⟩|    x|%
					{{ "{}|{x!r:>9}".format(t, x=u) }} => <t>|  '⟨<a> b⟩'
					{{ u % () }}{{ u.format() }} => ⟨<a> b<a> b⟩
					{{ "%s: {}"|format(u) }} => ⟨<a> b⟩: {}
					{% for c in t ~ u %}{{ c }}.{% endfor %} => <.t.>.⟨<⟩.⟨a⟩.⟨>⟩.⟨ ⟩.⟨b⟩.
					{% set x %}[{{ u }}]{% endset %}{{ x }} => [⟨<a> b⟩]
					{% macro m(a) %}({{ a }}{{ caller() }}){% endmacro %}{% call m(u) %}{{ t }}{{ n }}{% endcall %} => (⟨<a> b⟩<t>7)
					{% filter upper %}{{ u }}{% endfilter %}{{ u|default(t) }}{{ x|default(u) }} => ⟨<A> B<a> b<a> b⟩
					{{ u|truncate(4, true, "..", 0) }} => ⟨<a⟩..
					{{ u|indent(2, true) }}|{{ u.center(9, "-") }} => `  ⟨<a> b⟩|--⟨<a> b⟩--`
					{{ (s ~ "x").splitlines()[0] }} => ⟨  <é😀>⟩
					{{ u|e }}{{ (t ~ "<")|e }} => ⟨&lt;a&gt; b⟩&lt;t&gt;&lt;
					{{ w|sort|list }}{{ w|map("upper")|join }} => ['⟨a⟩', '⟨b⟩']⟨BA⟩
					{% set ns = namespace(x=u) %}{{ ns.x }}{{ dict(a=u).a }} => ⟨<a> b<a> b⟩
					{{ u.removeprefix("<a") }}{{ u.zfill(7) }}{{ u|reverse }}{{ u|urlencode }} => ⟨> b⟩00⟨<a> bb >a<%3Ca%3E%20b⟩
					{{ u if u == "<a> b" and "a" in u and u is string and d.k is defined }} => ⟨<a> b⟩
					{{ {"<a> b": t}[u] }}{{ {u: 1}["<a> b"] }} => <t>1
					""")
	void operationsKeepMarks(String template, String expected) {
		assertThat(marked(render(template))).isEqualTo(expected);
	}

	@Test
	void trustedCharactersAreThoseOfTheTemplate() {
		MarkedText text = render("[{{ u }}]<think>{{ s }}");
		assertThat(text.trustedCharacters()).isEqualTo("[]<think>");
		assertThat(render("a").trustedCharacters()).isEqualTo("a");
		assertThat(text.firstUntrusted(0, 1)).isEqualTo(-1);
		assertThat(text.firstUntrusted(0, 4)).isEqualTo(1);
		assertThat(text.firstUntrusted(3, 5)).isEqualTo(3);
		assertThat(text.firstUntrusted(6, 14)).isEqualTo(-1);
		assertThat(text.firstUntrusted(6, 99)).isEqualTo(14);
	}

	@Test
	void aTextOfManyRangesIsLinearWork() {
		String template = "{% set t %}{% for i in range(30000) %}{{ u }}.{% endfor %}{% endset %}"
				+ "{% for c in t %}{{ c }}{% endfor %}";
		MarkedText text = render(template);
		assertThat(text.trustedCharacters()).isEqualTo(".".repeat(30_000));
	}

}
