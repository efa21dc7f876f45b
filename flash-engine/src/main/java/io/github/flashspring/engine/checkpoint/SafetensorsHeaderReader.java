package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Reads one safetensors header as a stream and holds it against the rules of the format,
 * as strictly as the reference implementation. Memory follows what is really in the file,
 * never a number that the file names.
 */
final class SafetensorsHeaderReader {

	/** Limit of the reference implementation. */
	static final int MAX_HEADER_BYTES = 100_000_000;

	private static final int MAX_RANK = 32;

	private static final String DOWNLOAD_AGAIN = "The file is damaged or was not made by a safetensors writer: download or export it again.";

	private final Path file;

	private final FileChannel channel;

	private final Map<String, String> metadata = new LinkedHashMap<>();

	private final Map<String, Entry> entries = new LinkedHashMap<>();

	SafetensorsHeaderReader(Path file, FileChannel channel) {
		this.file = file;
		this.channel = channel;
	}

	SafetensorsHeader read() throws IOException {
		long fileSize = this.channel.size();
		long headerSize = readHeaderSize(fileSize);
		long dataOffset = 8 + headerSize;
		try (InputStream bytes = new ChannelRange(this.channel, 8, dataOffset);
				JsonParser parser = Json.parser(bytes)) {
			parse(parser);
		}
		catch (JacksonException ex) {
			throw new CheckpointException("The header of " + this.file + " is not valid JSON in UTF-8 ("
					+ Json.reason(ex) + ", within the " + headerSize + " header bytes that begin at byte 8).",
					DOWNLOAD_AGAIN, ex);
		}
		return new SafetensorsHeader(this.file, fileSize, dataOffset, layOut(dataOffset, fileSize), this.metadata);
	}

	private long readHeaderSize(long fileSize) throws IOException {
		if (fileSize < 10) {
			throw failure("The file has " + fileSize + " bytes, but a safetensors file has at least 10.");
		}
		ByteBuffer first = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
		while (first.hasRemaining()) {
			if (this.channel.read(first, first.position()) < 0) {
				throw failure("The file became shorter while it was read.");
			}
		}
		long headerSize = first.getLong(0);
		if (headerSize < 2 || headerSize > MAX_HEADER_BYTES) {
			refuseSubstitute(fileSize);
			throw failure("Its first eight bytes name a header of " + Long.toUnsignedString(headerSize)
					+ " bytes; expected 2 to " + MAX_HEADER_BYTES + ".");
		}
		if (headerSize > fileSize - 8) {
			throw failure("Its header should have " + headerSize + " bytes, but the file ends " + (fileSize - 8)
					+ " bytes after the header's start.");
		}
		if (first.get(8) != '{') {
			throw failure(
					"Its header must begin with '{', found byte 0x" + Integer.toHexString(first.get(8) & 0xff) + ".");
		}
		return headerSize;
	}

	private void refuseSubstitute(long fileSize) throws IOException {
		ByteBuffer head = ByteBuffer.allocate((int) Math.min(fileSize, Substitute.HEAD_BYTES));
		while (head.hasRemaining() && this.channel.read(head, head.position()) >= 0) {
			// until the head is complete
		}
		Substitute.of(head.array()).ifPresent((substitute) -> {
			throw new CheckpointException(substitute.problem(this.file), substitute.action());
		});
	}

	private void parse(JsonParser parser) {
		parser.nextToken();
		while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
			String name = parser.currentName();
			if (name.equals("__metadata__")) {
				parseMetadata(parser);
			}
			else {
				if (!StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
					throw failure("The tensor name " + quote(name) + " is not valid Unicode.");
				}
				if (this.entries.putIfAbsent(name, parseEntry(parser, name)) != null) {
					throw failure("Tensor " + quote(name) + " appears twice in the header.");
				}
			}
		}
		// Anything but white space behind the closing brace is an error of the parser.
		parser.nextToken();
	}

	private void parseMetadata(JsonParser parser) {
		JsonToken start = parser.nextToken();
		if (start == JsonToken.VALUE_NULL) {
			return; // MLX writes this when it has nothing to say
		}
		if (!this.metadata.isEmpty() || start != JsonToken.START_OBJECT) {
			throw failure("__metadata__ must be one object of strings.");
		}
		while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
			String key = parser.currentName();
			if (parser.nextToken() != JsonToken.VALUE_STRING) {
				throw failure(
						"__metadata__ entry " + quote(key) + " must be a string, found " + Json.kind(parser) + ".");
			}
			if (this.metadata.put(key, parser.getString()) != null) {
				throw failure("__metadata__ entry " + quote(key) + " appears twice.");
			}
		}
	}

	private Entry parseEntry(JsonParser parser, String name) {
		if (parser.nextToken() != JsonToken.START_OBJECT) {
			throw failure(name, "must be described by an object, found " + Json.kind(parser));
		}
		DType dtype = null;
		long[] shape = null;
		long[] offsets = null;
		while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
			String property = parser.currentName();
			parser.nextToken();
			switch (property) {
				case "dtype" -> {
					requireFirst(dtype, name, property);
					dtype = parseDType(parser, name);
				}
				case "shape" -> {
					requireFirst(shape, name, property);
					shape = parseNumbers(parser, name, property, MAX_RANK);
				}
				case "data_offsets" -> {
					requireFirst(offsets, name, property);
					offsets = parseNumbers(parser, name, property, 2);
				}
				default -> parser.skipChildren();
			}
		}
		if (dtype == null || shape == null || offsets == null) {
			throw failure(name, "lacks " + ((dtype == null) ? "dtype" : (shape == null) ? "shape" : "data_offsets"));
		}
		return check(name, dtype, shape, offsets);
	}

	private void requireFirst(@Nullable Object known, String name, String property) {
		if (known != null) {
			throw failure(name, "has " + property + " twice");
		}
	}

	private DType parseDType(JsonParser parser, String name) {
		if (parser.currentToken() != JsonToken.VALUE_STRING) {
			throw failure(name, "needs a string as dtype, found " + Json.kind(parser));
		}
		String found = parser.getString();
		return DType.find(found)
			.orElseThrow(() -> new CheckpointException(
					"Tensor " + quote(name) + " of " + this.file + " has the unknown dtype " + quote(found)
							+ "; expected one of " + Arrays.toString(DType.values()) + ".",
					"Use a checkpoint in one of these types."));
	}

	private long[] parseNumbers(JsonParser parser, String name, String property, int limit) {
		if (parser.currentToken() != JsonToken.START_ARRAY) {
			throw failure(name, "needs an array as " + property + ", found " + Json.kind(parser));
		}
		long[] numbers = new long[limit];
		int count = 0;
		while (parser.nextToken() != JsonToken.END_ARRAY) {
			if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
				throw failure(name, "needs whole numbers in " + property + ", found " + Json.kind(parser));
			}
			if (count == limit) {
				throw failure(name, "has more than " + limit + " numbers in " + property);
			}
			if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER || parser.getLongValue() < 0) {
				throw failure(name, "needs numbers from 0 to " + Long.MAX_VALUE + " in " + property + ", found "
						+ quote(parser.getString()));
			}
			numbers[count++] = parser.getLongValue();
		}
		return Arrays.copyOf(numbers, count);
	}

	private Entry check(String name, DType dtype, long[] shape, long[] offsets) {
		if (offsets.length != 2 || offsets[0] > offsets[1]) {
			throw failure(name, "needs data_offsets [begin, end] with begin ≤ end, found " + Arrays.toString(offsets));
		}
		long bytes;
		try {
			bytes = TensorInfo.byteSize(dtype, shape);
		}
		catch (ArithmeticException ex) {
			throw failure(name,
					"has the shape " + Arrays.toString(shape) + ", which is more than 2^63 bytes of " + dtype);
		}
		if (bytes != offsets[1] - offsets[0]) {
			throw failure(name,
					"of " + dtype + " and shape " + Arrays.toString(shape) + " needs " + bytes
							+ " bytes, but its data_offsets " + Arrays.toString(offsets) + " hold "
							+ (offsets[1] - offsets[0]));
		}
		return new Entry(name, dtype, shape, offsets[0], offsets[1]);
	}

	/** Checks that the tensors cover the data section exactly, in any order. */
	private Map<String, TensorInfo> layOut(long dataOffset, long fileSize) {
		List<Entry> ordered = new ArrayList<>(this.entries.values());
		ordered.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
		long dataSize = fileSize - dataOffset;
		Map<String, TensorInfo> tensors = LinkedHashMap.newLinkedHashMap(ordered.size());
		long covered = 0;
		String before = "the start of the data";
		for (Entry entry : ordered) {
			if (entry.begin() < covered) {
				throw failure(entry.name(), "overlaps " + before + ": it begins at data offset " + entry.begin()
						+ ", but that ends at " + covered);
			}
			if (entry.begin() > covered) {
				throw failure(entry.name(), "leaves a hole behind " + before + ": it begins at data offset "
						+ entry.begin() + ", but that ends at " + covered);
			}
			if (entry.end() > dataSize) {
				throw new CheckpointException("The file " + this.file + " is truncated: tensor " + quote(entry.name())
						+ " ends at data offset " + entry.end() + ", but the file has only " + dataSize
						+ " bytes of data (" + fileSize + " bytes in all).", "Download or copy it again.");
			}
			covered = entry.end();
			before = "tensor " + quote(entry.name());
			tensors.put(entry.name(), new TensorInfo(entry.name(), entry.dtype(), entry.shape(), this.file,
					dataOffset + entry.begin(), entry.end() - entry.begin()));
		}
		if (covered != dataSize) {
			throw failure("Its tensors end at data offset " + covered + ", but the file has " + dataSize
					+ " bytes of data: " + (dataSize - covered) + " too many.");
		}
		return tensors;
	}

	private CheckpointException failure(String name, String problem) {
		return failure("Tensor " + quote(name) + " " + problem + ".");
	}

	private CheckpointException failure(String problem) {
		return new CheckpointException("Bad safetensors file " + this.file + ": " + problem, DOWNLOAD_AGAIN);
	}

	/** One tensor of the header, offsets relative to the data section. */
	private record Entry(String name, DType dtype, long[] shape, long begin, long end) {
	}

	/** Reads the bytes {@code [position, end)} of a channel without moving it. */
	private static final class ChannelRange extends InputStream {

		private final FileChannel channel;

		private final long end;

		private long position;

		ChannelRange(FileChannel channel, long position, long end) {
			this.channel = channel;
			this.position = position;
			this.end = end;
		}

		@Override
		public int read() throws IOException {
			byte[] single = new byte[1];
			return (read(single, 0, 1) < 0) ? -1 : single[0] & 0xff;
		}

		@Override
		public int read(byte[] target, int offset, int length) throws IOException {
			if (this.position >= this.end) {
				return -1;
			}
			int wanted = (int) Math.min(length, this.end - this.position);
			int count = this.channel.read(ByteBuffer.wrap(target, offset, wanted), this.position);
			this.position += Math.max(count, 0);
			return count;
		}

	}

}
