package io.github.flashspring.engine.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import io.github.flashspring.engine.device.RaggedBatch;

/**
 * The rows of a pass, and which of them belong to which sequence.
 *
 * @param rows tokens of the rows
 * @param logitRows rows whose logits are wanted: first those of texts whose logits are
 * all wanted, then one of each sequence that generates
 * @param shares ranges of rows in order
 */
record Batch(RaggedBatch rows, int[] logitRows, List<Share> shares) {

	/**
	 * Puts a pass together.
	 * @param ready sequences that have memory for all their tokens
	 * @param maxRows most rows of the pass
	 * @param prefillRows most rows of prompts if a sequence generates
	 * @return the batch
	 */
	static Batch of(List<Sequence> ready, int maxRows, int prefillRows) {
		int[] counts = BatchPlanner.rows(ready.stream()
			.map((sequence) -> new BatchPlanner.Pending(sequence.pending(), sequence.isDecoding()))
			.toList(), maxRows, prefillRows);
		List<Share> shares = new ArrayList<>();
		int rows = 0;
		for (int i = 0; i < counts.length; i++) {
			if (counts[i] > 0) {
				shares.add(Share.of(ready.get(i), rows, counts[i]));
				rows += counts[i];
			}
		}
		int[] tokens = new int[rows];
		int[] positions = new int[rows];
		List<RaggedBatch.Span> spans = new ArrayList<>();
		for (Share share : shares) {
			spans.addAll(share.sequence().spans(share.firstRow(), share.count()));
			for (int i = 0; i < share.count(); i++) {
				tokens[share.firstRow() + i] = share.sequence().token(share.position() + i);
				positions[share.firstRow() + i] = share.position() + i;
			}
		}
		IntStream all = shares.stream().filter(Share::wantsAllLogits).flatMapToInt(Share::rows);
		IntStream last = shares.stream().filter(Share::isSampled).mapToInt(Share::lastRow);
		return new Batch(new RaggedBatch(tokens, positions, spans), IntStream.concat(all, last).toArray(), shares);
	}

	/**
	 * {@return rows of sequences that generate}
	 */
	int decodeRows() {
		return (int) this.shares.stream().filter(Share::decoding).count();
	}

	/**
	 * {@return whether nobody wants the pass any more}
	 */
	boolean isCancelled() {
		return this.shares.stream().allMatch((share) -> share.sequence().isCancelled());
	}

	/** The share that a row belongs to. */
	Share share(int row) {
		return this.shares.stream().filter((share) -> row < share.firstRow() + share.count()).findFirst().orElseThrow();
	}

	/**
	 * The rows of a sequence.
	 *
	 * @param sequence the sequence
	 * @param firstRow its first row
	 * @param count number of rows
	 * @param position position of the first row
	 * @param decoding whether it is the row of a token that the sequence has generated
	 */
	record Share(Sequence sequence, int firstRow, int count, int position, boolean decoding) {

		static Share of(Sequence sequence, int firstRow, int count) {
			return new Share(sequence, firstRow, count, sequence.computed(), sequence.isDecoding());
		}

		IntStream rows() {
			return IntStream.range(this.firstRow, this.firstRow + this.count);
		}

		int lastRow() {
			return this.firstRow + this.count - 1;
		}

		/** Position of a row. */
		int position(int row) {
			return this.position + row - this.firstRow;
		}

		boolean wantsAllLogits() {
			return this.sequence.listener().wantsAllLogits();
		}

		/** Whether the next token of the sequence follows from its last row. */
		boolean isSampled() {
			return !wantsAllLogits() && this.sequence.isLast(position(lastRow()));
		}

		/**
		 * {@return tokens of the prompt}
		 */
		int promptTokens() {
			return Math.clamp(this.sequence.promptLength() - this.position, 0, this.count);
		}

	}

}
