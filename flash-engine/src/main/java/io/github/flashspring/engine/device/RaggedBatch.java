package io.github.flashspring.engine.device;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The rows of one pass: ranges of tokens of several sequences, one after the other. Row
 * {@code r} of every activation belongs to the r-th token of the batch.
 *
 * @param tokens token id of each row
 * @param positions position of each row in its own sequence
 * @param spans the ranges in row order, together covering all rows
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
				boolean last = end == span.firstRow() + span.rows();
				parts.add(new Span(first - from, end - first, span.position() + first - span.firstRow(),
						span.pageTables(), span.state(), last ? span.snapshot() : null));
			}
		}
		return new RaggedBatch(Arrays.copyOfRange(this.tokens, from, from + count),
				Arrays.copyOfRange(this.positions, from, from + count), parts);
	}

	/**
	 * Neighbouring tokens of one sequence. A sequence may have several spans, one behind
	 * the other.
	 *
	 * @param firstRow row of the first token
	 * @param rows number of tokens
	 * @param position position of the first token in its sequence; the keys and values of
	 * the tokens before it that the layers attend to already lie in the pages
	 * @param pageTables for each group of layers the ids of the sequence's KV pages, in
	 * order; position p lies in page {@code p / pageTokens}. Each covers at least
	 * {@code position + rows} tokens
	 * @param state of the state-space layers; null if the sequence has none
	 * @param snapshot receives a copy of the state behind the last of these tokens, as
	 * long as the state; null if none is wanted
	 */
	public record Span(int firstRow, int rows, int position, int[][] pageTables, @Nullable Buffer state,
			@Nullable Buffer snapshot) {

		/**
		 * A span without a snapshot.
		 * @param firstRow row of the first token
		 * @param rows number of tokens
		 * @param position position of the first token in its sequence
		 * @param pageTables for each group of layers the ids of KV pages
		 * @param state of the state-space layers; null if the sequence has none
		 */
		public Span(int firstRow, int rows, int position, int[][] pageTables, @Nullable Buffer state) {
			this(firstRow, rows, position, pageTables, state, null);
		}

		/**
		 * A span of a model whose layers are one group and have no states.
		 * @param firstRow row of the first token
		 * @param rows number of tokens
		 * @param position position of the first token in its sequence
		 * @param pages ids of the KV pages, in order
		 */
		public Span(int firstRow, int rows, int position, int[] pages) {
			this(firstRow, rows, position, new int[][] { pages }, null);
		}

		/**
		 * Some of the rows.
		 * @param from first of them, from 0 on
		 * @param count how many
		 * @param copy receives the state behind the last of them, or null
		 * @return a span of the same sequence
		 */
		public Span range(int from, int count, @Nullable Buffer copy) {
			return new Span(this.firstRow + from, count, this.position + from, this.pageTables, this.state, copy);
		}

		/**
		 * The page table of a group of layers.
		 * @param group index of the group, see {@link KvPages#group}
		 * @return ids of pages; {@link KvPages#NONE} where a page was given back
		 */
		public int[] pages(int group) {
			return this.pageTables[group];
		}

	}

}
