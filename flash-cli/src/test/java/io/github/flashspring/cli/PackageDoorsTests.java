package io.github.flashspring.cli;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

/**
 * Keeps the command line off Spring and off the engine's inner rooms.
 */
@AnalyzeClasses(packages = "io.github.flashspring.cli", importOptions = DoNotIncludeTests.class)
class PackageDoorsTests {

	@ArchTest
	static final ArchRule THE_COMMAND_LINE_KNOWS_NO_SPRING = noClasses().should()
		.dependOnClassesThat()
		.resideInAnyPackage("org.springframework..", "reactor..");

}
