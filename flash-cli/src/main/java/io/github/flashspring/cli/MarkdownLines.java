package io.github.flashspring.cli;

import java.util.ArrayList;
import java.util.List;

import org.commonmark.ext.gfm.tables.TableBlock;
import org.commonmark.ext.gfm.tables.TableRow;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.BlockQuote;
import org.commonmark.node.BulletList;
import org.commonmark.node.Code;
import org.commonmark.node.Emphasis;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.HardLineBreak;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.HtmlInline;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.Link;
import org.commonmark.node.ListBlock;
import org.commonmark.node.Node;
import org.commonmark.node.OrderedList;
import org.commonmark.node.SoftLineBreak;
import org.commonmark.node.StrongEmphasis;
import org.commonmark.node.Text;
import org.commonmark.node.ThematicBreak;
import org.commonmark.parser.IncludeSourceSpans;
import org.commonmark.parser.Parser;
import org.jline.utils.WCWidth;

/**
 * Lines of a screen for blocks of Markdown: wrapped at its width, with bold, italic and
 * coloured words.
 */
final class MarkdownLines {

	private static final String BOLD = "\033[1m";

	private static final String ITALIC = "\033[3m";

	private static final String UNDERLINED = "\033[4m";

	private static final String CODE = "\033[36m";

	private static final String DIM = "\033[2m";

	private static final String PLAIN = "\033[0m";

	/** Deeper ones are shown at this depth; a line must keep some columns. */
	private static final int MAX_DEPTH = 8;

	private final Parser parser = Parser.builder()
		.extensions(List.of(TablesExtension.create()))
		.includeSourceSpans(IncludeSourceSpans.BLOCKS)
		.build();

	private final int width;

	/**
	 * Creates a renderer.
	 * @param width columns of a line
	 */
	MarkdownLines(int width) {
		this.width = width;
	}

	/**
	 * Reads Markdown.
	 * @param source the text
	 * @return its outermost blocks
	 */
	List<Node> blocks(String source) {
		return children(this.parser.parse(source));
	}

	/**
	 * Lines of a block.
	 * @param block from {@link #blocks}
	 * @return lines with escape sequences, each of which ends plain
	 */
	List<String> of(Node block) {
		return of(block, this.width, 0);
	}

	private List<String> of(Node block, int columns, int depth) {
		int inner = (depth < MAX_DEPTH) ? columns : this.width;
		return switch (block) {
			case Heading heading -> wrap(styled(heading, BOLD), inner);
			case FencedCodeBlock code -> code(code.getLiteral());
			case IndentedCodeBlock code -> code(code.getLiteral());
			case HtmlBlock html -> html.getLiteral().lines().map(MarkdownLines::visible).toList();
			case ThematicBreak _ -> List.of(DIM + "─".repeat(inner) + PLAIN);
			case BlockQuote quote -> indented(nested(quote, inner - 2, depth), DIM + "│ " + PLAIN, DIM + "│ " + PLAIN);
			case ListBlock list -> list(list, inner, depth);
			case TableBlock table -> table(table);
			default -> wrap(styled(block, ""), inner);
		};
	}

	private List<String> nested(Node parent, int columns, int depth) {
		List<String> lines = new ArrayList<>();
		boolean tight = parent.getParent() instanceof ListBlock list && list.isTight();
		for (Node child : children(parent)) {
			if (!lines.isEmpty() && !tight) {
				lines.add("");
			}
			lines.addAll(of(child, Math.max(20, columns), depth + 1));
		}
		return lines;
	}

	private List<String> list(ListBlock list, int columns, int depth) {
		List<String> lines = new ArrayList<>();
		Integer start = (list instanceof OrderedList ordered) ? ordered.getMarkerStartNumber() : null;
		int number = (start != null) ? start : 1;
		for (Node item : children(list)) {
			String mark = (list instanceof BulletList) ? "• " : number++ + ". ";
			if (!lines.isEmpty() && !list.isTight()) {
				lines.add("");
			}
			lines.addAll(indented(nested(item, columns - mark.length(), depth), mark, " ".repeat(mark.length())));
		}
		return lines;
	}

	private static List<String> indented(List<String> lines, String first, String others) {
		List<String> indented = new ArrayList<>();
		for (String line : lines.isEmpty() ? List.of("") : lines) {
			indented.add((indented.isEmpty() ? first : others) + line);
		}
		return indented;
	}

	/** Code is not wrapped: what is copied from the screen must be what was written. */
	private static List<String> code(String literal) {
		return literal.lines().map((line) -> "  " + CODE + visible(line) + PLAIN).toList();
	}

	private List<String> table(TableBlock table) {
		List<List<String>> rows = new ArrayList<>();
		for (Node part : children(table)) {
			for (Node row : children(part)) {
				if (row instanceof TableRow) {
					rows.add(children(row).stream()
						.map((cell) -> String.join(" ", wrap(styled(cell, ""), Integer.MAX_VALUE)))
						.toList());
				}
			}
		}
		int columns = rows.stream().mapToInt(List::size).max().orElse(0);
		int[] widths = new int[columns];
		rows.forEach((row) -> {
			for (int i = 0; i < row.size(); i++) {
				widths[i] = Math.max(widths[i], columns(row.get(i)));
			}
		});
		List<String> lines = new ArrayList<>();
		for (List<String> row : rows) {
			StringBuilder line = new StringBuilder();
			for (int i = 0; i < row.size(); i++) {
				line.append((i > 0) ? " │ " : "")
					.append(row.get(i))
					.append(" ".repeat(widths[i] - columns(row.get(i))));
			}
			lines.add(line.toString());
			if (lines.size() == 1) {
				StringBuilder rule = new StringBuilder();
				for (int i = 0; i < columns; i++) {
					rule.append((i > 0) ? "─┼─" : "").append("─".repeat(widths[i]));
				}
				lines.add(rule.toString());
			}
		}
		return lines;
	}

	/** The inline content of a block as words in styles. */
	private static List<Piece> styled(Node block, String style) {
		List<Piece> pieces = new ArrayList<>();
		children(block).forEach((child) -> inline(child, style, pieces));
		return pieces;
	}

	private static void inline(Node node, String style, List<Piece> pieces) {
		switch (node) {
			case Text text -> pieces.add(new Piece(visible(text.getLiteral()), style));
			case Code code -> pieces.add(new Piece(visible(code.getLiteral()), style + CODE));
			case HtmlInline html -> pieces.add(new Piece(visible(html.getLiteral()), style));
			case SoftLineBreak _ -> pieces.add(new Piece(" ", style));
			case HardLineBreak _ -> pieces.add(new Piece("\n", style));
			case Emphasis emphasis -> children(emphasis).forEach((child) -> inline(child, style + ITALIC, pieces));
			case StrongEmphasis strong -> children(strong).forEach((child) -> inline(child, style + BOLD, pieces));
			case Link link -> {
				children(link).forEach((child) -> inline(child, style + UNDERLINED, pieces));
				String shown = String.join("", styled(link, "").stream().map(Piece::text).toList());
				if (!shown.equals(link.getDestination())) {
					pieces.add(new Piece(" (" + visible(link.getDestination()) + ")", style + DIM));
				}
			}
			default -> children(node).forEach((child) -> inline(child, style, pieces));
		}
	}

	/** Fills lines with words; a word that is wider than a line is broken. */
	private static List<String> wrap(List<Piece> pieces, int columns) {
		List<String> lines = new ArrayList<>();
		LineBuilder line = new LineBuilder(columns, lines);
		for (Piece piece : pieces) {
			piece.text().codePoints().forEach((point) -> line.add(point, piece.style()));
		}
		line.end();
		return lines;
	}

	private static int columns(String line) {
		String text = line.replaceAll("\033\\[[0-9]*m", "");
		return text.codePoints().map((point) -> Math.max(0, WCWidth.wcwidth(point))).sum();
	}

	/** A model's words must not steer the terminal. */
	private static String visible(String text) {
		StringBuilder shown = new StringBuilder();
		text.replace("\t", "    ")
			.codePoints()
			.filter((point) -> !Character.isISOControl(point))
			.forEach(shown::appendCodePoint);
		return shown.toString();
	}

	private static List<Node> children(Node parent) {
		List<Node> children = new ArrayList<>();
		for (Node child = parent.getFirstChild(); child != null; child = child.getNext()) {
			children.add(child);
		}
		return children;
	}

	/**
	 * Text in a style.
	 *
	 * @param text the text
	 * @param style escape sequences, possibly none
	 */
	private record Piece(String text, String style) {

	}

	/** Collects characters of a line and breaks it between words. */
	private static final class LineBuilder {

		private final int columns;

		private final List<String> lines;

		private final StringBuilder line = new StringBuilder();

		private final StringBuilder word = new StringBuilder();

		private int lineColumns;

		private int wordColumns;

		private String style = "";

		LineBuilder(int columns, List<String> lines) {
			this.columns = columns;
			this.lines = lines;
		}

		void add(int point, String pointStyle) {
			if (point == '\n') {
				endLine();
				return;
			}
			int width = Math.max(0, WCWidth.wcwidth(point));
			if (!pointStyle.equals(this.style)) {
				this.word.append(this.style.isEmpty() ? "" : PLAIN).append(pointStyle);
				this.style = pointStyle;
			}
			if (point == ' ') {
				endWord();
				if (this.lineColumns > 0) {
					this.word.append(' ');
					this.wordColumns++;
				}
				return;
			}
			if (this.lineColumns > 0 && this.lineColumns + this.wordColumns + width > this.columns) {
				breakLine();
			}
			if (this.lineColumns == 0 && this.wordColumns + width > this.columns) {
				endWord();
				breakLine();
			}
			this.word.appendCodePoint(point);
			this.wordColumns += width;
		}

		private void endWord() {
			this.line.append(this.word);
			this.lineColumns += this.wordColumns;
			this.word.setLength(0);
			this.wordColumns = 0;
		}

		/** Ends the line before the word that does not fit. */
		private void breakLine() {
			this.lines.add(this.line + PLAIN);
			this.line.setLength(0);
			this.lineColumns = 0;
			if (!this.word.isEmpty() && this.word.charAt(0) == ' ') {
				this.word.deleteCharAt(0);
				this.wordColumns--;
			}
			// the word may have begun in a style of the line before
			this.line.append(this.style);
		}

		private void endLine() {
			endWord();
			this.lines.add(this.style.isEmpty() ? this.line.toString() : this.line + PLAIN);
			this.line.setLength(0);
			this.line.append(this.style);
			this.lineColumns = 0;
		}

		void end() {
			endWord();
			if (this.lineColumns > 0) {
				this.lines.add(this.style.isEmpty() ? this.line.toString() : this.line + PLAIN);
			}
		}

	}

}
