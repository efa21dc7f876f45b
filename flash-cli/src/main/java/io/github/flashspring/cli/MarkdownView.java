package io.github.flashspring.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

import org.commonmark.node.Node;

/**
 * Shows Markdown on a screen while it is written: the last block is drawn anew with each
 * piece, the ones before it stay. Lines that have left the screen are not touched again.
 */
final class MarkdownView {

	/** Drawing faster than that only flickers. */
	private static final long FRAME_NANOS = 40_000_000;

	private final PrintStream out;

	private final MarkdownLines lines;

	/** Lines that can be drawn anew without scrolling. */
	private final int rows;

	/** Source of the blocks that may still change. */
	private final StringBuilder source = new StringBuilder();

	private boolean first = true;

	/** Lines of the last block that have scrolled away, and those below them. */
	private int gone;

	private int drawn;

	private long lastFrame;

	/**
	 * Creates a view.
	 * @param out the screen
	 * @param size its columns and rows
	 */
	MarkdownView(PrintStream out, int[] size) {
		this.out = out;
		this.lines = new MarkdownLines(Math.max(20, size[0] - 1));
		this.rows = Math.max(4, size[1] - 2);
	}

	/**
	 * Shows more of the answer.
	 * @param piece continues the pieces before it
	 */
	void append(String piece) {
		this.source.append(piece);
		long now = System.nanoTime();
		if (now - this.lastFrame >= FRAME_NANOS || piece.indexOf('\n') >= 0) {
			this.lastFrame = now;
			draw();
		}
	}

	/** Shows what is left. */
	void end() {
		draw();
		this.out.flush();
	}

	private void draw() {
		StringBuilder screen = new StringBuilder();
		List<Node> blocks = this.lines.blocks(this.source.toString());
		for (int i = 0; i < blocks.size() - 1; i++) {
			block(blocks.get(i), screen);
			this.first = false;
			this.gone = 0;
			this.drawn = 0;
		}
		if (!blocks.isEmpty()) {
			Node last = blocks.getLast();
			block(last, screen);
			if (blocks.size() > 1) {
				this.source.delete(0, last.getSourceSpans().getFirst().getInputIndex());
			}
		}
		this.out.print(screen);
		this.out.flush();
	}

	/** Draws a block over what was drawn of it before. */
	private void block(Node block, StringBuilder screen) {
		List<String> all = new ArrayList<>();
		if (!this.first) {
			all.add("");
		}
		all.addAll(this.lines.of(block));
		if (this.drawn > 0) {
			screen.append("\033[").append(this.drawn).append('A');
		}
		screen.append("\r\033[J");
		this.gone = Math.min(this.gone, all.size());
		for (String line : all.subList(this.gone, all.size())) {
			screen.append(line).append('\n');
		}
		int scrolled = Math.max(0, all.size() - this.gone - this.rows);
		this.gone += scrolled;
		this.drawn = all.size() - this.gone;
	}

}
