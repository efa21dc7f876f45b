package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.KvBlocks;
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
	 * Requires that the spans of a batch cover its rows in order, and that their blocks
	 * hold their tokens and lie in memory that is large enough.
	 */
	static void spans(KvBlocks kv, int layer, RaggedBatch batch) {
		KvBlocks.Layout layout = kv.layout();
		if (layout.blockTokens() < 1 || layout.blockTokens() % KvBlocks.TOKENS != 0) {
			throw new IllegalArgumentException("Expected KV blocks of a multiple of " + KvBlocks.TOKENS
					+ " tokens, found " + layout.blockTokens());
		}
		int row = 0;
		for (RaggedBatch.Span span : batch.spans()) {
			if (span.firstRow() != row || span.rows() < 1 || span.position() < 0) {
				throw new IllegalArgumentException(
						"Expected a span from row " + row + " on, found rows " + span.firstRow() + " … "
								+ (span.firstRow() + span.rows()) + " at position " + span.position());
			}
			int blocks = Math.ceilDiv(span.position() + span.rows(), layout.blockTokens());
			if (span.blocks().length < blocks) {
				throw new IllegalArgumentException(
						"Expected at least " + blocks + " blocks of " + layout.blockTokens() + " tokens for position "
								+ (span.position() + span.rows() - 1) + ", found " + span.blocks().length);
			}
			for (int i = 0; i < blocks; i++) {
				int block = span.blocks()[i];
				long end = kv.byteOffset(block, layer) + layout.layerBytes();
				if (kv.byteOffset(block, layer) < 0 || end > KvRun.memory(kv, block).byteSize()) {
					throw new IllegalArgumentException("Layer " + layer + " of KV block " + block + " ends at byte "
							+ end + " of a buffer of " + KvRun.memory(kv, block).byteSize());
				}
			}
			row += span.rows();
		}
		if (row != batch.rows()) {
			throw new IllegalArgumentException("The spans cover " + row + " of " + batch.rows() + " rows");
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
