package io.github.flashspring.engine.device;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of one pass: spans of tokens of several sequences, one after the other. Row
 * {@code r} of every activation belongs to the r-th token of the batch.
 *
 * @param tokens token id of each row
 * @param positions position of each row in its own sequence
 * @param spans in row order, together covering all rows
 */
public record RaggedBatch(int[] tokens, int[] positions, List<Span> spans) {

	/**
	 * Number of rows.
	 * @return the number of rows
	 */
	public int rows() {
		return this.tokens.length;
	}

	/**
	 * The rows {@code from … from + count - 1} as a batch of their own.
	 * @param from first row
	 * @param count number of rows
	 * @return a batch with rows from 0 on
	 */
	public RaggedBatch part(int from, int count) {
		List<Span> parts = new ArrayList<>();
		for (Span span : this.spans) {
			int first = Math.max(span.firstRow(), from);
			int end = Math.min(span.firstRow() + span.rows(), from + count);
			if (first < end) {
				parts
					.add(new Span(first - from, end - first, span.position() + first - span.firstRow(), span.blocks()));
			}
		}
		return new RaggedBatch(Arrays.copyOfRange(this.tokens, from, from + count),
				Arrays.copyOfRange(this.positions, from, from + count), parts);
	}

	/**
	 * Neighbouring tokens of one sequence.
	 *
	 * @param firstRow row of the first token
	 * @param rows number of tokens
	 * @param position position of the first token in its sequence; the keys and values of
	 * the tokens before it already lie in the blocks
	 * @param blocks ids of the KV blocks of the sequence, in order; position p lies in
	 * block {@code blocks[p / blockTokens]}. Covers at least {@code position + rows}
	 * tokens
	 */
	public record Span(int firstRow, int rows, int position, int[] blocks) {

	}

}
