package io.github.flashspring.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@link MarkdownLines} and {@link MarkdownView}: what stands on the screen.
 */
class MarkdownTests {

	private static final String TEXT = """
			# Title

			Some **bold** and *italic* words with `code` in a paragraph that is longer than a line of the screen.

			- one
			- two with more words than fit into one line of this narrow screen
			  1. inner
			  2. second

			```java
			int x = 1;
			```

			| a | bcd |
			|---|---|
			| 1 | 2 |

			> quoted

			End.
			""";

	@Test
	void blocksBecomeLinesOfTheScreen() {
		assertThat(plain(whole(TEXT, 40))).containsExactly("Title", "", "Some bold and italic words with code in",
				"a paragraph that is longer than a line", "of the screen.", "", "• one",
				"• two with more words than fit into one", "  line of this narrow screen", "  1. inner", "  2. second",
				"", "  int x = 1;", "", "a │ bcd", "──┼────", "1 │ 2  ", "", "│ quoted", "", "End.");
	}

	@Test
	void wordsHaveTheirStyles() {
		assertThat(whole("a **b** `c`", 40)).containsExactly("a \033[1mb\033[0m \033[36mc\033[0m");
	}

	@ParameterizedTest
	@CsvSource({ "1, 24", "2, 24", "3, 50", "4, 24", "5, 80" })
	void screenIsTheSameHoweverTheAnswerIsCut(int seed, int rows) {
		Random random = new Random(seed);
		ByteArrayOutputStream out = new ByteArrayOutputStream();
		MarkdownView view = new MarkdownView(new PrintStream(out, true, StandardCharsets.UTF_8),
				new int[] { 41, rows });
		int from = 0;
		while (from < TEXT.length()) {
			int to = Math.min(TEXT.length(), from + 1 + random.nextInt(7));
			view.append(TEXT.substring(from, to));
			from = to;
		}
		view.end();
		assertThat(plain(screen(out.toString(StandardCharsets.UTF_8)))).isEqualTo(plain(whole(TEXT, 40)));
	}

	@Test
	void answersCannotSteerTheTerminal() {
		assertThat(String.join("", whole("a\033[2Jb `c\033]0;x\007`\n\n    \033[31mcode", 40)))
			.doesNotContain("\033[2J")
			.doesNotContain("\033]")
			.doesNotContain("\033[31m");
	}

	@Test
	void wideCharactersTakeTwoColumns() {
		assertThat(whole("日本語日本語日本語日本語", 20)).hasSize(2);
	}

	private static List<String> whole(String text, int width) {
		MarkdownLines lines = new MarkdownLines(width);
		List<String> all = new ArrayList<>();
		lines.blocks(text).forEach((block) -> {
			if (!all.isEmpty()) {
				all.add("");
			}
			all.addAll(lines.of(block));
		});
		return all;
	}

	private static List<String> plain(List<String> lines) {
		return lines.stream().map((line) -> line.replaceAll("\033\\[[0-9]*m", "")).toList();
	}

	/** What stands on a screen after it got these characters. */
	private static List<String> screen(String written) {
		List<String> lines = new ArrayList<>(List.of(""));
		int row = 0;
		Matcher matcher = Pattern.compile("\033\\[(\\d+)A|\r\033\\[J|\n|[^\n\r\033]+|\033\\[[0-9]*m").matcher(written);
		while (matcher.find()) {
			String found = matcher.group();
			if (matcher.group(1) != null) {
				row -= Integer.parseInt(matcher.group(1));
			}
			else if (found.startsWith("\r")) {
				lines = new ArrayList<>(lines.subList(0, row));
				lines.add("");
			}
			else if (found.equals("\n")) {
				row++;
				lines.add("");
			}
			else {
				lines.set(row, lines.get(row) + found);
			}
		}
		return lines.subList(0, row);
	}

}
