package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Staging;

/**
 * A safetensors file with one tensor {@code logits} [tokens, vocab] F32, written row by
 * row under a temporary name and renamed when it is complete.
 *
 * @see <a href="https://huggingface.co/docs/safetensors">the format</a>
 */
final class LogitsFile implements AutoCloseable {

	private final Staging staging;

	private final FileChannel channel;

	private final ByteBuffer row;

	private int missing;

	private LogitsFile(Staging staging, FileChannel channel, int tokens, int vocabulary) {
		this.staging = staging;
		this.channel = channel;
		this.row = ByteBuffer.allocateDirect(Math.multiplyExact(vocabulary, Float.BYTES))
			.order(ByteOrder.LITTLE_ENDIAN);
		this.missing = tokens;
	}

	/**
	 * Begins a file.
	 * @param target where it will be
	 * @param tokens number of rows
	 * @param vocabulary length of a row
	 * @return the file; the caller adds all rows, then closes it
	 * @throws CheckpointException if the target is no regular file, or its disk has not
	 * enough free space
	 * @throws IOException if the file cannot be written
	 */
	static LogitsFile create(Path target, int tokens, int vocabulary) throws IOException {
		Staging staging = Staging.file(target, header(tokens, vocabulary).remaining() + dataBytes(tokens, vocabulary));
		FileChannel channel;
		try {
			channel = FileChannel.open(staging.path(), StandardOpenOption.WRITE);
		}
		catch (IOException ex) {
			staging.close();
			throw ex;
		}
		LogitsFile file = new LogitsFile(staging, channel, tokens, vocabulary);
		try {
			file.write(header(tokens, vocabulary));
		}
		catch (IOException ex) {
			file.close();
			throw ex;
		}
		return file;
	}

	/**
	 * Adds the next row.
	 * @param logits [vocab]
	 * @throws IOException if the file cannot be written
	 */
	void add(float[] logits) throws IOException {
		this.row.clear();
		this.row.asFloatBuffer().put(logits);
		write(this.row.limit(logits.length * Float.BYTES));
		this.missing--;
	}

	/**
	 * Gives the file its name, if all rows are there; otherwise nothing remains of it.
	 * @throws IOException if the file cannot be written
	 */
	@Override
	public void close() throws IOException {
		try (Staging closing = this.staging) {
			this.channel.close();
			if (this.missing == 0) {
				closing.commit();
			}
		}
	}

	private static long dataBytes(int tokens, int vocabulary) {
		return (long) tokens * vocabulary * Float.BYTES;
	}

	private static ByteBuffer header(int tokens, int vocabulary) {
		String json = "{\"logits\":{\"dtype\":\"F32\",\"shape\":[" + tokens + "," + vocabulary
				+ "],\"data_offsets\":[0," + dataBytes(tokens, vocabulary) + "]}}";
		byte[] header = json.getBytes(StandardCharsets.US_ASCII);
		int padded = Math.ceilDiv(header.length, 8) * 8;
		ByteBuffer buffer = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(header);
		while (buffer.hasRemaining()) {
			buffer.put((byte) ' ');
		}
		return buffer.flip();
	}

	private void write(ByteBuffer bytes) throws IOException {
		while (bytes.hasRemaining()) {
			this.channel.write(bytes);
		}
	}

}
