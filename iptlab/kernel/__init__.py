"""The real kernel, asked in throwaway network namespaces: nothing leaves, nothing stays."""
