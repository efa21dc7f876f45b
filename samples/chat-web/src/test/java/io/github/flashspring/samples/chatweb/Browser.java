package io.github.flashspring.samples.chatweb;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * The chat page in a headless Chromium of this machine; nothing is downloaded for it.
 */
final class Browser implements AutoCloseable {

	private static final Optional<Path> BROWSER = find("chromium", "chromium-browser", "google-chrome",
			"google-chrome-stable")
		.or(() -> Optional.of(Path.of("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"))
			.filter(Files::isExecutable));

	private static final Optional<Path> DRIVER = find("chromedriver");

	private final ChromeDriver driver;

	private Browser(ChromeDriver driver) {
		this.driver = driver;
	}

	/**
	 * Opens the page. Where no browser is installed, the test is skipped; in continuous
	 * integration (environment variable {@code CI}) it fails.
	 * @param url address of the page
	 * @param profile an empty folder
	 * @return the browser
	 */
	static Browser open(String url, Path profile) {
		boolean installed = BROWSER.isPresent() && DRIVER.isPresent();
		String missing = "The page is not tested: there is no Chromium with its chromedriver on the PATH;"
				+ " samples/chat-web/install-browser installs them";
		if (System.getenv("CI") != null) {
			assertThat(installed).as(missing).isTrue();
		}
		assumeTrue(installed, missing);
		ChromeOptions options = new ChromeOptions();
		options.setBinary(BROWSER.orElseThrow().toFile());
		options.addArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
				"--disable-background-networking", "--disable-component-update", "--disable-sync",
				"--disable-dev-shm-usage", "--window-size=1280,900", "--user-data-dir=" + profile);
		LoggingPreferences logging = new LoggingPreferences();
		logging.enable(LogType.BROWSER, Level.ALL);
		options.setCapability(ChromeOptions.LOGGING_PREFS, logging);
		ChromeDriverService service = new ChromeDriverService.Builder()
			.usingDriverExecutable(DRIVER.orElseThrow().toFile())
			.build();
		Browser browser = new Browser(new ChromeDriver(service, options));
		browser.driver.get(url);
		return browser;
	}

	/**
	 * Types into the composer.
	 * @param keys text and keys
	 */
	void type(CharSequence... keys) {
		element("#prompt").sendKeys(keys);
	}

	/**
	 * Asks the model.
	 * @param text the message
	 */
	void ask(String text) {
		type(text, Keys.ENTER);
	}

	/**
	 * Puts a text into the composer at once, as pasting does.
	 * @param text the text
	 */
	void paste(String text) {
		this.driver.executeScript("arguments[0].focus(); document.execCommand('insertText', false, arguments[1])",
				element("#prompt"), text);
	}

	/**
	 * What the composer holds.
	 * @return the text
	 */
	String prompt() {
		return String.valueOf(element("#prompt").getDomProperty("value"));
	}

	/**
	 * Gives the page another size.
	 * @param width width of the page in pixels
	 * @param height height of the page in pixels
	 */
	void resize(int width, int height) {
		this.driver.executeCdpCommand("Emulation.setDeviceMetricsOverride",
				Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", true));
	}

	void click(String selector) {
		element(selector).click();
	}

	WebElement element(String selector) {
		return this.driver.findElement(By.cssSelector(selector));
	}

	List<WebElement> elements(String selector) {
		return this.driver.findElements(By.cssSelector(selector));
	}

	int count(String selector) {
		return elements(selector).size();
	}

	/**
	 * The text of all elements that match, one by one.
	 * @param selector a CSS selector
	 * @return what a visitor sees of them
	 */
	List<String> texts(String selector) {
		return elements(selector).stream().map(WebElement::getText).toList();
	}

	/**
	 * The text of the latest answer.
	 * @return the text, or an empty one
	 */
	String answer() {
		List<String> answers = texts(".turn:last-child .model .body");
		return answers.isEmpty() ? "" : answers.getLast();
	}

	boolean isAnswering() {
		return element("#stop").isDisplayed();
	}

	String title() {
		return String.valueOf(this.driver.getTitle());
	}

	/**
	 * What the page wrote to the console since the last call: errors, violations of its
	 * content security policy, failed requests.
	 * @return the messages
	 */
	List<String> console() {
		return this.driver.manage().logs().get(LogType.BROWSER).getAll().stream().map(LogEntry::getMessage).toList();
	}

	@Override
	public void close() {
		this.driver.quit();
	}

	private static Optional<Path> find(String... names) {
		String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
		return Stream.of(names)
			.flatMap((name) -> Pattern.compile(File.pathSeparator, Pattern.LITERAL)
				.splitAsStream(path)
				.map((folder) -> Path.of(folder, name)))
			.filter(Files::isExecutable)
			.findFirst();
	}

}
