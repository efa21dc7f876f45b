package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * Refuses operands that an operation cannot take, before anything is computed.
 */
final class Checks {

	private Checks() {
	}

	static void shape(String name, Rows operand, int rows, int columns) {
		if (operand.count() != rows || operand.columns() != columns) {
			throw new IllegalArgumentException("Expected " + name + " of shape [" + rows + ", " + columns + "], found ["
					+ operand.count() + ", " + operand.columns() + "]");
		}
	}

	static void activation(String name, Rows operand, int rows, int columns) {
		shape(name, operand, rows, columns);
		if (operand.type() != DType.F32) {
			throw new IllegalArgumentException("Expected " + name + " of type F32, found " + operand.type());
		}
	}

	static void activation(String name, Rows operand) {
		activation(name, operand, operand.count(), operand.columns());
	}

	static void writable(String name, Rows operand) {
		if (operand.memory().isReadOnly()) {
			throw new IllegalArgumentException("The memory of " + name + " is read-only");
		}
	}

	static void number(String name, Rows operand) {
		if (operand.type() != DType.F32 && operand.type() != DType.F16 && operand.type() != DType.BF16) {
			throw new IllegalArgumentException(
					"Expected " + name + " of type F32, F16 or BF16, found " + operand.type());
		}
	}

	static void positive(String name, float value) {
		if (!(value > 0)) {
			throw new IllegalArgumentException("Expected " + name + " above 0, found " + value);
		}
	}

	static void contiguous(String name, Rows operand) {
		if (operand.count() > 1 && operand.stride() != (long) operand.columns() * operand.type().bytes()) {
			throw new IllegalArgumentException("Expected " + name + " to be contiguous, found rows of "
					+ operand.columns() + " values every " + operand.stride() + " bytes");
		}
	}

	static void indices(String name, int[] rows, int count, int limit) {
		if (rows.length != count) {
			throw new IllegalArgumentException("Expected " + count + " " + name + ", found " + rows.length);
		}
		for (int row : rows) {
			if (row < 0 || row >= limit) {
				throw new IllegalArgumentException("Expected " + name + " from 0 to " + (limit - 1) + ", found " + row);
			}
		}
	}

	/**
	 * Requires that the spans of a batch cover its rows in order, and that their pages
	 * hold the tokens that are needed and lie in memory that is large enough.
	 * @param kv the pages
	 * @param layer index among the layers that have keys and values
	 * @param batch the spans
	 * @param window positions that a token needs, itself the last; 0: all before it
	 */
	static void spans(KvPages kv, int layer, RaggedBatch batch, int window) {
		KvPages.Layout layout = kv.layout();
		if (layout.pageTokens() < 1 || layout.pageTokens() % KvPages.TOKENS != 0) {
			throw new IllegalArgumentException(
					"Expected KV pages of a multiple of " + KvPages.TOKENS + " tokens, found " + layout.pageTokens());
		}
		int row = 0;
		for (RaggedBatch.Span span : batch.spans()) {
			if (span.firstRow() != row || span.rows() < 1 || span.position() < 0) {
				throw new IllegalArgumentException(
						"Expected a span from row " + row + " on, found rows " + span.firstRow() + " … "
								+ (span.firstRow() + span.rows()) + " at position " + span.position());
			}
			int first = (window > 0) ? Math.max(0, span.position() - window + 1) : 0;
			pages(kv, layer, kv.group(layer), span, first / layout.pageTokens());
			if (kv.recentGroup(layer) != KvPages.NONE) {
				first = (window == 1) ? span.position() : kv.firstRecent(span.position());
				pages(kv, layer, kv.recentGroup(layer), span, first / layout.pageTokens());
			}
			row += span.rows();
		}
		if (row != batch.rows()) {
			throw new IllegalArgumentException("The spans cover " + row + " of " + batch.rows() + " rows");
		}
	}

	private static void pages(KvPages kv, int layer, int group, RaggedBatch.Span span, int first) {
		KvPages.Layout layout = kv.layout(group);
		int[] pages = span.pages(group);
		int end = Math.ceilDiv(span.position() + span.rows(), layout.pageTokens());
		if (pages.length < end) {
			throw new IllegalArgumentException("Expected at least " + end + " pages of " + layout.pageTokens()
					+ " tokens for position " + (span.position() + span.rows() - 1) + ", found " + pages.length);
		}
		for (int i = first; i < end; i++) {
			int page = pages[i];
			if (page == KvPages.NONE) {
				throw new IllegalArgumentException("Layer " + layer + " attends to positions from "
						+ i * layout.pageTokens() + " on, whose KV page was given back");
			}
			long to = kv.byteOffset(page, layer) + layout.layerBytes();
			if (kv.byteOffset(page, layer) < 0 || to > KvRun.memory(kv, page).byteSize()) {
				throw new IllegalArgumentException("Layer " + layer + " of KV page " + page + " ends at byte " + to
						+ " of a buffer of " + KvRun.memory(kv, page).byteSize());
			}
		}
	}

	/**
	 * Operands of a gated activation: all of one shape.
	 */
	static void gated(Rows out, Rows gate, Rows up) {
		writable("out", out);
		activation("gate", gate);
		activation("up", up, gate.count(), gate.columns());
		activation("out", out, gate.count(), gate.columns());
	}

}
