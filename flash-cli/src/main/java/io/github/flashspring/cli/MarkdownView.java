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

	/** Lines of the blocks that are not final that have scrolled away, and the others. */
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

	/**
	 * Draws what may have changed. Blocks are final that stand before the last one of the
	 * complete lines: half a line may still join the block above it.
	 */
	private void draw() {
		List<String> all = new ArrayList<>();
		List<Node> complete = this.lines.blocks(this.source.substring(0, this.source.lastIndexOf("\n") + 1));
		for (int i = 0; i < complete.size() - 1; i++) {
			add(complete.get(i), all);
		}
		int settled = all.size();
		if (complete.size() > 1) {
			this.source.delete(0, complete.getLast().getSourceSpans().getFirst().getInputIndex());
		}
		boolean begun = this.first;
		for (Node block : this.lines.blocks(this.source.toString())) {
			add(block, all);
		}
		// the first block that is not final is asked again for whether a line goes before
		// it
		this.first = begun && settled == 0;
		StringBuilder screen = new StringBuilder();
		if (this.drawn > 0) {
			screen.append("\033[").append(this.drawn).append('A');
		}
		screen.append("\r\033[J");
		for (String line : all.subList(Math.min(this.gone, all.size()), all.size())) {
			screen.append(line).append('\n');
		}
		int live = all.size() - settled;
		this.gone = Math.max(0, Math.max(this.gone - settled, live - this.rows));
		this.drawn = Math.max(0, live - this.gone);
		this.out.print(screen);
		this.out.flush();
	}

	private void add(Node block, List<String> all) {
		if (!this.first) {
			all.add("");
		}
		this.first = false;
		all.addAll(this.lines.of(block));
	}

}
