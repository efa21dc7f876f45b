package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.checkpoint.Safetensors;

/**
 * Fetches a model's config and the headers of its weights by ranges, and lays them out as
 * a {@link ModelOutline}.
 */
final class OutlineReader {

	private static final String CONFIG = "config.json";

	private static final String PREFIX = "flash-outline-";

	private static final String TOKENIZER = "tokenizer.json";

	/** As the reader of configs. */
	private static final int MAX_CONFIG = 16 << 20;

	/** As the format's reference implementation. */
	private static final long MAX_HEADER = 100_000_000;

	/** Planning reads nothing else of the data; MLX writes it for nvfp4. */
	private static final String SCALES = ".global_scale";

	/** All scales of a model are a few kilobytes. */
	private static final long MAX_SCALES = 1 << 20;

	private final HubClient client;

	private final HubId id;

	private final HubApi api;

	private final RepositoryFolder cached;

	private final AtomicLong fetched = new AtomicLong();

	private final AtomicLong headers = new AtomicLong();

	OutlineReader(HubClient client, HubId id) {
		this.client = client;
		this.id = id;
		this.api = new HubApi(client, id, (bytes) -> {
		});
		this.cached = new RepositoryFolder(client.settings(), id);
	}

	ModelOutline read() throws IOException, InterruptedException {
		String commit = this.api.commit();
		FileSelection selection = new FileSelection(this.id, this.api.files(commit));
		FileSelection.Content content = (file, limit) -> fetch(commit, file, limit);
		List<RemoteFile> weights = selection.weights(content);
		List<RemoteFile> chosen = selection.choose(content);
		Path folder = folder();
		boolean complete = false;
		try {
			RemoteFile config = selection.require(CONFIG);
			byte[] settings = fetch(commit, config, MAX_CONFIG);
			this.headers.addAndGet(settings.length);
			Files.write(folder.resolve(CONFIG), settings);
			if (selection.has(TOKENIZER)) {
				// its size tells how much memory it takes
				hole(folder.resolve(TOKENIZER), selection.require(TOKENIZER).size()).close();
			}
			List<Parallel.Task> tasks = new ArrayList<>();
			weights.forEach((file) -> tasks.add(() -> outline(commit, file, folder)));
			Parallel.run("flash-hub-header", this.client.settings().tuning().connections(), tasks);
			if (weights.size() > 1) {
				writeIndex(folder, weights);
			}
			long missing = 0;
			for (RemoteFile file : chosen) {
				missing += this.cached.has(commit, file) ? 0 : file.size();
			}
			complete = true;
			return new ModelOutline(folder, commit, chosen.stream().mapToLong(RemoteFile::size).sum(), missing,
					this.headers.get(), this.fetched.get());
		}
		finally {
			if (!complete) {
				ModelOutline.discard(folder);
			}
		}
	}

	/** On the disk that the model would be on, where Python's client does not look. */
	private Path folder() throws IOException {
		try {
			Path locks = this.client.settings().cache().resolve(".locks");
			Files.createDirectories(locks);
			removeOld(locks);
			return Files.createTempDirectory(locks, PREFIX);
		}
		catch (IOException ex) {
			return Files.createTempDirectory(PREFIX);
		}
	}

	/** What killed processes left; their files hold nothing but headers. */
	private static void removeOld(Path locks) throws IOException {
		Instant limit = Instant.now().minus(Duration.ofDays(1));
		try (DirectoryStream<Path> folders = Files.newDirectoryStream(locks, PREFIX + "*")) {
			for (Path folder : folders) {
				if (Files.getLastModifiedTime(folder).toInstant().isBefore(limit)) {
					ModelOutline.discard(folder);
				}
			}
		}
	}

	private static FileChannel hole(Path file, long size) throws IOException {
		FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
				StandardOpenOption.SPARSE);
		if (size > 0) {
			channel.write(ByteBuffer.allocate(1), size - 1);
		}
		return channel;
	}

	private void outline(String commit, RemoteFile file, Path folder) throws IOException, InterruptedException {
		RemoteSource source = new RemoteSource(this.client, this.api, commit, file);
		if (file.size() < 10) {
			throw broken(file, "has " + file.size() + " bytes, but a safetensors file has at least 10");
		}
		long length = ByteBuffer.wrap(range(source, file, 0, 8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
		if (length < 2 || length > Math.min(MAX_HEADER, file.size() - 8)) {
			throw broken(file, "names a header of " + Long.toUnsignedString(length) + " bytes, but has " + file.size()
					+ " bytes; expected 2 to " + MAX_HEADER);
		}
		byte[] header = range(source, file, 8, 8 + length);
		this.headers.addAndGet(8 + length);
		Path target = folder.resolve(file.path());
		try (FileChannel channel = hole(target, file.size())) {
			channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length), 0);
			ByteBuffer bytes = ByteBuffer.wrap(header);
			for (long position = 8; bytes.hasRemaining();) {
				position += channel.write(bytes, position);
			}
			copyScales(source, file, target, channel);
		}
	}

	private void copyScales(RemoteSource source, RemoteFile file, Path target, FileChannel channel)
			throws IOException, InterruptedException {
		for (var tensor : Safetensors.readHeader(target).tensors().values()) {
			if (tensor.name().endsWith(SCALES) && tensor.byteSize() > 0 && tensor.byteSize() <= MAX_SCALES) {
				byte[] scales = range(source, file, tensor.offset(), tensor.offset() + tensor.byteSize());
				this.headers.addAndGet(scales.length);
				ByteBuffer bytes = ByteBuffer.wrap(scales);
				for (long position = tensor.offset(); bytes.hasRemaining();) {
					position += channel.write(bytes, position);
				}
			}
		}
	}

	/** The index is as long as the headers, and they say the same. */
	private static void writeIndex(Path folder, List<RemoteFile> weights) throws IOException {
		ObjectNode index = JsonMapper.shared().createObjectNode();
		ObjectNode map = index.putObject("weight_map");
		for (RemoteFile file : weights) {
			Safetensors.readHeader(folder.resolve(file.path()))
				.tensors()
				.keySet()
				.forEach((tensor) -> map.put(tensor, file.path()));
		}
		Files.write(folder.resolve(FileSelection.INDEX), JsonMapper.shared().writeValueAsBytes(index));
	}

	private byte[] fetch(String commit, RemoteFile file, int limit) throws IOException, InterruptedException {
		if (file.size() > limit) {
			throw broken(file, "has " + file.size() + " bytes; expected at most " + limit);
		}
		return range(new RemoteSource(this.client, this.api, commit, file), file, 0, file.size());
	}

	private byte[] range(RemoteSource source, RemoteFile file, long from, long to)
			throws IOException, InterruptedException {
		if (from == to) {
			return new byte[0];
		}
		try {
			return new Retries(this.client.settings(), "the file " + HubException.quote(file.path())).run(() -> {
				try (Reply reply = source.open(from, to)) {
					InputStream body = reply.body();
					byte[] bytes = body.readNBytes((int) (to - from));
					this.fetched.addAndGet(bytes.length);
					if (bytes.length < to - from) {
						throw new IOException(reply.uri().getHost() + " ended the connection early");
					}
					return bytes;
				}
			});
		}
		catch (RemoteSource.RangesIgnoredException ex) {
			throw new HubException(
					"Cannot read the header of " + HubException.quote(file.path())
							+ ": the host sends whole files alone.",
					"Download the model (flash pull " + this.id + ") and plan it then; or use another HF_ENDPOINT.",
					ex);
		}
	}

	private HubException broken(RemoteFile file, String problem) {
		return new HubException(
				"The file " + HubException.quote(file.path()) + " of " + this.id.repository() + " " + problem + ".",
				"Do not use this repository.");
	}

}
