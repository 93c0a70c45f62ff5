/* Stands for ductorw.exe in a package: notes what it was asked for, and whether the package's files are there. Ends as
   the real one does without a configured bot, which no installation may mind. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

int main(int count, char **words) {
    char beside[MAX_PATH];
    strncpy(beside, words[0], sizeof beside - 1);
    strcpy(strrchr(beside, '\\') + 1, "README.md");
    int files = GetFileAttributesA(beside) != INVALID_FILE_ATTRIBUTES;
    FILE *notes = fopen("C:\\notes", "a");
    fprintf(notes, "%s: %s %s%s\n", VERSION, words[1], words[2], files ? "" : " without files");
    fclose(notes);
    return 78;
}
