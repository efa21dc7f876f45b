package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A safetensors file with one tensor {@code logits} [tokens, vocab] F32, written row by
 * row under a temporary name and renamed when it is complete.
 *
 * @see <a href="https://huggingface.co/docs/safetensors">the format</a>
 */
final class LogitsFile implements AutoCloseable {

	private final Path target;

	private final Path temporary;

	private final FileChannel channel;

	private final ByteBuffer row;

	private int missing;

	private LogitsFile(Path target, Path temporary, FileChannel channel, int tokens, int vocabulary) {
		this.target = target;
		this.temporary = temporary;
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
	 * @throws IOException if the file cannot be written
	 */
	static LogitsFile create(Path target, int tokens, int vocabulary) throws IOException {
		Path absolute = target.toAbsolutePath();
		Path temporary = absolute.resolveSibling("." + absolute.getFileName() + "." + ProcessHandle.current().pid());
		FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
				StandardOpenOption.TRUNCATE_EXISTING);
		LogitsFile file = new LogitsFile(absolute, temporary, channel, tokens, vocabulary);
		try {
			file.writeHeader(tokens, vocabulary);
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
		this.channel.close();
		if (this.missing == 0) {
			Files.move(this.temporary, this.target, StandardCopyOption.REPLACE_EXISTING,
					StandardCopyOption.ATOMIC_MOVE);
		}
		else {
			Files.deleteIfExists(this.temporary);
		}
	}

	private void writeHeader(int tokens, int vocabulary) throws IOException {
		long bytes = (long) tokens * vocabulary * Float.BYTES;
		String json = "{\"logits\":{\"dtype\":\"F32\",\"shape\":[" + tokens + "," + vocabulary
				+ "],\"data_offsets\":[0," + bytes + "]}}";
		byte[] header = json.getBytes(StandardCharsets.US_ASCII);
		int padded = Math.ceilDiv(header.length, 8) * 8;
		ByteBuffer buffer = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(header);
		while (buffer.hasRemaining()) {
			buffer.put((byte) ' ');
		}
		write(buffer.flip());
	}

	private void write(ByteBuffer bytes) throws IOException {
		while (bytes.hasRemaining()) {
			this.channel.write(bytes);
		}
	}

}
